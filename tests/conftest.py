"""What every kind of test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.azurite import Azurite, running

pytest_plugins = ["pytester"]

# How long an example takes says more about what else the machine does.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A table service for all tests of a process; each uses tables of its own."""
    with running() as service:
        yield service
