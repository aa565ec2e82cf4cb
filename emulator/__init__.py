"""A local host for Azure Functions apps.

For programs: the version, and what goes wrong as exceptions and as data. Tests of apps use
`emulator.testing`, binding packages `emulator.sdk`; everything else is internal. The names below
are imported when they are asked for, so that `import emulator` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.errors import EmulatorError
    from emulator.model import FunctionError, Problem, Severity, SourceSpan

__version__ = "0.1.0"

_PLACES = {
    "EmulatorError": "emulator.errors",
    "FunctionError": "emulator.model",
    "Problem": "emulator.model",
    "Severity": "emulator.model",
    "SourceSpan": "emulator.model",
}

__all__ = ["EmulatorError", "FunctionError", "Problem", "Severity", "SourceSpan", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
