"""What every worker channel does, for apps in JavaScript."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts import test_worker_channel as contract

pytestmark = pytest.mark.parametrize("kind", ["node"])


def _statements() -> dict[str, Any]:
    return {name: test for name, test in vars(contract).items() if hasattr(test, "every_language")}


globals().update(_statements())
