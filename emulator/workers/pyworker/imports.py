"""How the app's modules are found and loaded: `sys.path`, fresh bytecode, `__app__`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import os
import sys
import threading
import types
from typing import Any, Callable, Iterator, List, Optional, Sequence

from .failure import message_of
from .sdk import CLASSIC

NAMESPACE = "__app__"
_LONG_IMPORT = 10.0
"""Seconds after which people ask what is going on."""
HOSTS_NAMES = ("bindings", "emulator")
_NOT_THE_APP = ("site-packages", ".python_packages", ".venv", "venv")
_DEBUGGERS = ("debugpy", "pydevd", "_pydevd", "_pydev_")
"""They change the process when they are imported; who debugs has them begun first."""
_HELP = (
    "Cannot find module. Please check the requirements.txt file for the missing module. For more"
    " info, please refer the troubleshooting guide: https://aka.ms/functions-modulenotfound."
    " Current sys.path: "
)


class FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles the source every time.

    Python trusts cached bytecode when the source has the same size and was changed in the same
    second; an edit saved right after another one would run as if it had not happened.
    """

    def path_stats(self, path: Any) -> Any:
        raise OSError("no cached bytecode for the app's own modules")


def path_hook(root: str, loader: type = FreshLoader) -> Callable[[str], Any]:
    """Return a `sys.path_hooks` entry for the folders of the app."""
    details: Any = (
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
        (loader, importlib.machinery.SOURCE_SUFFIXES),
        (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
    )

    def hook(path: str) -> Any:
        if not is_app_folder(path, root) or not os.path.isdir(path):
            raise ImportError("not a folder of the app", path=path)
        return importlib.machinery.FileFinder(path, *details)

    return hook


def is_app_folder(path: str, root: str) -> bool:
    if path == root:
        return True
    if not path.startswith(root + os.sep):
        return False
    parts = path[len(root) + 1 :].split(os.sep)
    return not any(part in _NOT_THE_APP for part in parts)


def app_paths(root: str) -> List[str]:
    """Return what the app adds to the end of `sys.path`, in order."""
    packages = os.path.join(root, ".python_packages", "lib", "site-packages")
    return [packages, root] if os.path.isdir(packages) else [root]


def is_any_installed(names: Sequence[str], root: str) -> bool:
    """Say whether the app could import one of these modules."""
    places = [*sys.path, *app_paths(root)]
    return any(importlib.machinery.PathFinder.find_spec(name, places) for name in names)


class OwnNames:
    """Lets the app have modules called like ours, which stand in the environment it shares with
    the host and which Azure does not have. `sys.path` alone would find ours first."""

    def __init__(self, root: str) -> None:
        self._paths = app_paths(root)

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if path is None and fullname in HOSTS_NAMES:
            return importlib.machinery.PathFinder.find_spec(fullname, self._paths)
        return None


def namespace(root: str) -> types.ModuleType:
    """Return the package `__app__`, whose only path is the app's folder."""
    module = types.ModuleType(NAMESPACE)
    module.__path__ = [root]
    module.__package__ = NAMESPACE
    return module


def foreign_modules(root: str) -> List[str]:
    """Name the imported modules that are not the app's, in the order they were imported."""
    private = __name__.partition(".")[0]
    return [
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in ("__main__", private, NAMESPACE)
        and not name.startswith(_DEBUGGERS)
        and getattr(getattr(module, "__spec__", None), "name", None) == name
        and not _lies_in_app(module, root)
    ]


def _lies_in_app(module: types.ModuleType, root: str) -> bool:
    file = getattr(module, "__file__", None)
    if file is not None:
        return is_app_folder(os.path.dirname(file), root)
    # A folder without __init__.py has no file; it may be the app's.
    return any(is_app_folder(path, root) for path in getattr(module, "__path__", ()))


def warm(names: List[str]) -> None:
    """Import modules ahead of need. What cannot be imported now is the app's business later."""
    for name in names:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


@contextlib.contextmanager
def watched(root: str, after: float = _LONG_IMPORT) -> Iterator[None]:
    """Say where the import of the app stands when it takes long, again and again."""
    thread = threading.get_ident()
    over = threading.Event()

    def tell() -> None:
        waited = 0.0
        while not over.wait(after):
            waited += after
            line = _line_of(sys._current_frames().get(thread), root)
            text = f"The app is still being imported after {waited:.0f} s{line}\n"
            # Past everything user code may have replaced; the loop is busy importing.
            with contextlib.suppress(OSError):
                os.write(2, text.encode("utf-8", "backslashreplace"))

    threading.Thread(target=tell, daemon=True, name="import-watch").start()
    try:
        yield
    finally:
        over.set()


def _line_of(frame: Optional[types.FrameType], root: str) -> str:
    """Name the app's innermost line on the stack."""
    while frame is not None:
        file = frame.f_code.co_filename
        if is_app_folder(os.path.dirname(file), root):
            return f": it is at {os.path.relpath(file, root)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def import_app_module(name: str) -> types.ModuleType:
    """Import one of the app's modules; a missing module is told with the path and a link."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise explained(error) from error.__cause__


def explained(error: ImportError) -> ImportError:
    """Return the error with the help Azure adds to it; place and traceback stay."""
    text = message_of(error)
    path = repr(sys.path) if CLASSIC else " ".join(sys.path)
    told = f"{text[:-1] if text.endswith('.') else text}. {_HELP}{path}"
    try:
        new = type(error)(told, name=error.name, path=error.path)
    except TypeError:  # a subclass of ImportError with a constructor of its own
        return error
    return new.with_traceback(error.__traceback__)


def forget(root: str, *, keep: Optional[set] = None) -> None:  # type: ignore[type-arg]
    """Drop what the import system remembers about the folders of the app."""
    for path in [path for path in sys.path_importer_cache if is_app_folder(path, root)]:
        if keep is None or path not in keep:
            sys.path_importer_cache.pop(path, None)
