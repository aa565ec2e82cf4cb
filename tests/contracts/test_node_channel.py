"""What every worker channel does, for apps in JavaScript."""

from __future__ import annotations

import pytest

from tests.support.statements import statements

pytestmark = pytest.mark.parametrize("kind", ["node"])

globals().update(statements())
