"""What a load tells beside what its parts told: functions that do not fit, the app's Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from emulator.config.settings import Settings
from emulator.discovery.decorated import WHOLE_APP
from emulator.invocation.bound import BoundFunction
from emulator.model import FunctionError, FunctionModel, Problem, Severity, SourceSpan
from emulator.workers.channel import WorkerInfo

_OLDEST, _NEWEST = (3, 10), (3, 14)
"""The versions of Python that Azure runs apps with."""

_NAMES_DIFFER = ("declared in Python but not in", "but not in Python", "not present in Python")
"""What the worker says when bindings and parameters have different names."""

_TYPES_DIFFER = re.compile(
    r"'(?P<name>\w+)' binding type \"(?P<type>\w+)\" .* annotation \"(?:dict|list|int|float|bool)\""
)
"""What the worker says of a parameter that has the type of the JSON it hopes for."""

_AZURE_ONLY = "exist on Azure only"
"""What our worker says of types it has no objects for."""

_NEWER_WORKER = (3, 13)
_STREAMING_SETTING = "PYTHON_ENABLE_INIT_INDEXING"
_TRUE = {"1", "true", "t", "yes", "y"}


def load_problems(
    functions: Sequence[BoundFunction], errors: Mapping[str, FunctionError]
) -> Iterable[Problem]:
    """Tell of the functions the worker could not load."""
    models = {function.model.name: function.model for function in functions}
    for name, error in errors.items():
        model = models.get(name)
        decorated = model is not None and model.programming_model == "v2"
        yield Problem(
            code="function-not-loaded",
            message=f"Worker failed to load function: '{name}'. Exception: {error.title}",
            where=model.source if model is not None else None,
            function=name,
            # One line is the message again.
            detail=error.shown_stack if "\n" in error.stack.strip() else None,
            hint=_names_hint(model, error)
            + _type_hint(error)
            + "Every call of it fails until this is mended.",
            # The signature of a decorated function is looked at while the app is indexed.
            azure=WHOLE_APP if decorated and _AZURE_ONLY not in error.message else None,
        )


def _names_hint(model: FunctionModel | None, error: FunctionError) -> str:
    if model is None or not any(words in error.message for words in _NAMES_DIFFER):
        return ""
    names = [each.name for each in model.bindings if each.name != "$return"]
    renamed = ""
    if model.programming_model == "v2" and len(names) == 1:
        renamed = ', or give the decorator arg_name (route: trigger_arg_name="…")'
    return f"Name its parameters as its bindings: {', '.join(names)}{renamed}. "


def _type_hint(error: FunctionError) -> str:
    if _AZURE_ONLY in error.message:
        return "Take what is in it as func.InputStream, bytes or str. "
    found = _TYPES_DIFFER.search(error.message)
    if found is None or found["type"].lower().endswith("trigger"):
        return ""
    return f"Annotate '{found['name']}' as str, for it gets text, and read it with json.loads. "


def version_problems(worker: WorkerInfo) -> Iterable[Problem]:
    """Tell of a Python that runs the app here and would not on Azure."""
    version = _version(worker)
    if version is None or _OLDEST <= version <= _NEWEST:
        return
    shown = [".".join(map(str, each)) for each in (_OLDEST, _NEWEST)]
    yield Problem(
        "python-version",
        f"The app runs with Python {worker.version}",
        severity=Severity.INFO,
        where=SourceSpan(worker.executable),
        hint=f"Use a version from {shown[0]} to {shown[1]}: --python, or a virtual environment.",
        azure=f"Python {shown[0]}.x to {shown[1]}.x is required, and no other is offered.",
    )


def streaming_problems(
    worker: WorkerInfo, settings: Settings, *, streams: bool
) -> Iterable[Problem]:
    """Tell of an app that streams without the setting Azure's older worker asks for."""
    version = _version(worker)
    wanted = (settings.get(_STREAMING_SETTING) or "").strip().lower()
    if not streams or version is None or version >= _NEWER_WORKER or wanted in _TRUE:
        return
    yield Problem(
        "streaming-setting",
        f"The app streams HTTP bodies, and {_STREAMING_SETTING} is not set",
        severity=Severity.INFO,
        hint=f'Add "{_STREAMING_SETTING}": "1" to Values of local.settings.json, and to the app '
        "settings on Azure.",
        azure="Every request hangs: before Python 3.13 the worker streams with that setting only.",
    )


def _version(worker: WorkerInfo) -> tuple[int, int] | None:
    parts = [int(part) for part in worker.version.split(".")[:2] if part.isdecimal()]
    return (parts[0], parts[1]) if worker.language == "python" and len(parts) == 2 else None
