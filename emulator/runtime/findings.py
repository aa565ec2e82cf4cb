"""What a load tells beside what its parts told: functions that do not fit, the app's Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from emulator.discovery.decorated import WHOLE_APP
from emulator.invocation.bound import BoundFunction
from emulator.model import FunctionError, Problem, Severity, SourceSpan
from emulator.workers.channel import WorkerInfo

_OLDEST, _NEWEST = (3, 10), (3, 14)
"""The versions of Python that Azure runs apps with."""


def load_problems(
    functions: Sequence[BoundFunction], errors: Mapping[str, FunctionError]
) -> Iterable[Problem]:
    """Tell of the functions the worker could not load."""
    models = {function.model.name: function.model for function in functions}
    for name, error in errors.items():
        decorated = name in models and models[name].programming_model == "v2"
        yield Problem(
            code="function-not-loaded",
            message=f"Worker failed to load function: '{name}'. {error.title}",
            where=models[name].source if name in models else None,
            function=name,
            detail=error.stack or None,
            hint="Every call of it fails until this is mended.",
            # The signature of a decorated function is looked at while the app is indexed.
            azure=WHOLE_APP if decorated else None,
        )


def version_problems(worker: WorkerInfo) -> Iterable[Problem]:
    """Tell of a Python that runs the app here and would not on Azure."""
    version = tuple(int(part) for part in worker.version.split(".")[:2] if part.isdecimal())
    if worker.language != "python" or len(version) < 2 or _OLDEST <= version <= _NEWEST:
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
