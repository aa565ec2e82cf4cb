"""What every kind of test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.azurite import Azurite, running

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A table service for all tests of a process; each uses tables of its own."""
    with running() as service:
        yield service
