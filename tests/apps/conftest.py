"""Every app test runs twice: against `funcemu start`, and inside the test's own loop."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["subprocess", "inprocess"])
def channel(request: pytest.FixtureRequest) -> str:
    return str(request.param)
