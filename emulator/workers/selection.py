"""Which worker runs an app: ours for Python and Node.js, else an official one.

Imports little: it is asked before the worker is started.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from emulator.config.settings import value_of
from emulator.workers.channel import Interpreter, RpcWorker
from emulator.workers.interpreter import find_interpreter
from emulator.workers.languages import NODE, PYTHON, app_language


def find_worker(
    root: Path, environment: Mapping[str, str], *, python: str | None = None
) -> Interpreter | RpcWorker:
    """Choose what runs the app at `root`; `python` is the interpreter that was asked for.

    An official worker serves Python or Node.js only where a setting names its folder. Raises
    `WorkerStartError` with the way to get what is missing.
    """
    language = app_language(root, environment).name
    if not names_official_worker(root, language, environment):
        if language == PYTHON:
            return find_interpreter(root, python, environment)
        if language == NODE:
            # Apps in Python, most of them, need not import it.
            from emulator.workers.node import find_node

            return find_node(root, environment)
    # As above.
    from emulator.workers.functionrpc.finding import find_rpc_worker

    return find_rpc_worker(root, language, environment)


def names_official_worker(root: Path, language: str, environment: Mapping[str, str]) -> bool:
    """Whether a setting names the folder of one for apps in a language."""
    if value_of(environment, f"languageWorkers__{language}__workerDirectory"):
        return True
    folder = value_of(environment, "languageWorkers__workersDirectory")
    if not folder:
        return False
    return (root / Path(folder).expanduser() / language / "worker.config.json").is_file()
