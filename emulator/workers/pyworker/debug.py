"""Lets a debugger attach: debugpy of the app's environment, or of the editor."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any, Iterator, Optional

from .wire import Header

_SWITCH = {"true": True, "false": False}


class DebuggerError(Exception):
    """Nothing can attach; the text says why, the hint what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Debugger:
    """The debugger of this process: begun once, for a spare already before it knows its app."""

    def __init__(self) -> None:
        self.port: Optional[int] = None
        self._debugpy: Any = None

    def begin(self, wanted: Optional[Header]) -> None:
        """Listen on a free port. The host offers its own, which stays when workers change."""
        if wanted is None or self.port is not None:
            return
        debugpy = _import_debugpy(wanted["package"])
        try:
            if wanted["log_folder"]:
                debugpy.log_to(wanted["log_folder"])
            for name, value in wanted["settings"].items():
                debugpy.configure(**{name: _SWITCH.get(value.lower(), value)})
            _, self.port = debugpy.listen(("127.0.0.1", 0))
        except Exception as error:  # it is somebody else's, of whatever version
            raise DebuggerError(
                f"debugpy of {sys.executable} does not start: {type(error).__name__}: {error}",
                f"update it with `{sys.executable} -m pip install --upgrade debugpy`",
            ) from error
        self._debugpy = debugpy

    def wait(self, wanted: Optional[Header]) -> None:
        """Wait until a debugger has attached, if that is wanted."""
        if wanted is not None and wanted["wait"]:
            self._debugpy.wait_for_client()


def not_the_apps(thread: threading.Thread) -> threading.Thread:
    """Mark a thread of ours, so that debuggers neither show nor stop it."""
    thread.pydev_do_not_trace = True  # type: ignore[attr-defined]  # debugpy looks for these
    thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
    return thread


def _import_debugpy(package: Optional[str]) -> Any:
    try:
        with _findable(package):
            import debugpy  # type: ignore[import-not-found, unused-ignore]  # not ours
    except ModuleNotFoundError as error:
        raise DebuggerError(
            f"debugpy, which --debug needs, is not installed for {sys.executable}",
            f"install it with `{sys.executable} -m pip install debugpy`",
        ) from error
    except Exception as error:  # somebody else's code
        raise DebuggerError(
            f"debugpy cannot be imported by {sys.executable}: {type(error).__name__}: {error}",
            f"reinstall it with `{sys.executable} -m pip install --force-reinstall debugpy`",
        ) from error
    return debugpy


@contextlib.contextmanager
def _findable(package: Optional[str]) -> Iterator[None]:
    """Let the folder of an editor's debugpy be found, and nothing else that lies beside it."""
    if package is None:
        yield
        return
    folder = os.path.dirname(os.path.abspath(package))
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
