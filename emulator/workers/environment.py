"""The environment a worker runs in: the app's folder, what it is given, what Azure's host adds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from emulator.errors import WorkerStartError

_DEFAULT_THREADS = "1000"  # what the official host sets when the app says nothing


def check_folder(root: Path) -> None:
    """Raise `WorkerStartError` when there is no app for a worker to run."""
    if not root.is_dir():
        raise WorkerStartError(
            f"the folder of the app does not exist: {root}",
            hint="give the folder with host.json in it",
        )


def worker_environment(
    root: Path,
    environment: Mapping[str, str],
    *,
    language: str = "python",
    directory: Path | None = None,
) -> dict[str, str]:
    """Return `environment` (process variables and app settings) as the worker's own.

    What the app's settings already say is kept, but for the places, which are facts. `directory`
    is the worker's, without one that of our own for Python.
    """
    place = str(root)
    worker = str(directory or Path(__file__).parent / "pyworker")
    result = {
        "FUNCTIONS_WORKER_RUNTIME": language,
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "PYTHON_THREADPOOL_THREAD_COUNT": _DEFAULT_THREADS,
        **environment,
        "AzureWebJobsScriptRoot": place,
        "FUNCTIONS_APPLICATION_DIRECTORY": place,
        "FUNCTIONS_WORKER_DIRECTORY": worker,
    }
    # Set by the macOS launcher of a virtual environment; it would make the child take ours.
    result.pop("__PYVENV_LAUNCHER__", None)
    return result
