"""Models in tests: the fixture `models`, and `Models` for tests without pytest.

The names below are imported when they are asked for: pytest imports this package in every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bindings.openai.testing.asked import ModelRequest
    from bindings.openai.testing.models import Models
    from bindings.openai.testing.turns import Turn
    from bindings.openai.testing.vectors import VectorTurn

_PLACES = {
    "ModelRequest": "bindings.openai.testing.asked",
    "Models": "bindings.openai.testing.models",
    "Turn": "bindings.openai.testing.turns",
    "VectorTurn": "bindings.openai.testing.vectors",
}

__all__ = ["ModelRequest", "Models", "Turn", "VectorTurn"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
