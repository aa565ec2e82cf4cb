"""Keeps the modules of apps apart that run in this very process.

While an app is open its modules stand in `sys.modules` under their plain names, run anew. One that
a test has imported from the app's folder before stays the same object with new content, so that
what the test patches in it is patched in the app. Other modules of the same name are set aside and
come back when the app is closed. Of two apps open at once each imports only its own; what still
looks a module up by name later (annotations resolved late) finds the newest app's.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import itertools
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.workers.pyworker import imports

OURS = frozenset(imports.HOSTS_NAMES)
"""What an app that runs in our process cannot call its own modules."""

_STDLIB = os.path.dirname(os.__file__)
_LOCK = threading.RLock()
_OPEN: list[AppModules] = []
"""Apps open in this process, oldest first. The import system is one per process; so is this."""


class AppModules:
    """The modules of one app."""

    def __init__(self, root: Path, search: Sequence[str] = ()) -> None:
        """`search` are further folders the app wants modules from."""
        self._root = str(root)
        self._search = search
        self._modules: dict[str, ModuleType] = {}
        self._aside: dict[str, ModuleType] = {}
        self._hidden: dict[str, ModuleType] = {}
        self._strange: dict[str, ModuleType] = {}
        """What others have under names that may be modules of this app."""
        self._hook = imports.path_hook(self._root, self._loader())
        self._paths: list[str] = []
        """What this app has put on `sys.path` and must take away."""

    def _loader(self) -> type:
        app = self

        class Loader(imports.FreshLoader):
            owner = app

            def create_module(self, spec: ModuleSpec) -> ModuleType | None:
                return app._known_object(spec)

            def exec_module(self, module: ModuleType) -> None:
                app._modules[module.__name__] = module
                try:
                    super().exec_module(module)
                except BaseException:
                    app._modules.pop(module.__name__, None)
                    raise

        return Loader

    def _known_object(self, spec: ModuleSpec) -> ModuleType | None:
        """Return the module a test has of this file, emptied; it is filled again."""
        module = self._hidden.get(spec.name)
        if module is None or getattr(module, "__file__", None) != spec.origin:
            return None
        if id(module) in self._others():
            return None
        content = vars(module)
        parts = {
            name: value
            for name, value in content.items()
            if self._hidden.get(f"{spec.name}.{name}") is value
        }
        content.clear()
        content.update(parts)
        return module

    def open(self) -> None:
        with _LOCK:
            _OPEN.append(self)
            sys.path_hooks.insert(0, self._hook)
            wanted = [*self._search, *imports.app_paths(self._root)]
            self._paths = [path for path in wanted if path not in sys.path]
            sys.path += self._paths
            imports.forget(self._root)
            self._modules[imports.NAMESPACE] = imports.namespace(self._root)
            _guard_imports()

    @contextlib.contextmanager
    def importing(self) -> Iterator[None]:
        """Let imports see this app's modules and nobody else's, then show what it has."""
        with _LOCK:
            outer, hidden = self._hidden, self._hide_others()
            self._hidden = {**outer, **hidden}
            before, own = list(sys.path), self._own_path()
            finder = _Finder(self._root, self._top_names())
            sys.path[:] = own
            sys.meta_path.insert(0, finder)
            sys.modules.update(self._modules)
            self._take_root()
            try:
                yield
            finally:
                self._hidden = outer
                sys.meta_path.remove(finder)
                self._collect()
                self._restore_path(before, own)
                for name, module in hidden.items():
                    if name not in self._modules:
                        sys.modules[name] = self._strange[name] = module
                    elif not any(name in app._modules for app in _OPEN if app is not self):
                        self._aside.setdefault(name, module)
                _guard_imports()

    def _own_path(self) -> list[str]:
        elsewhere = {path for app in _OPEN if app._root != self._root for path in app._paths}
        return [path for path in sys.path if path not in elsewhere]

    def _restore_path(self, before: list[str], own: list[str]) -> None:
        """Show what is elsewhere again; what the app has added meanwhile stays until it closes."""
        first = list(itertools.takewhile(lambda path: path not in own, sys.path))
        last = [path for path in sys.path[len(first) :] if path not in own]
        self._paths += [*first, *last]
        sys.path[:] = [*first, *before, *last]

    def _take_root(self) -> None:
        """Of two loads of one app, which a reload has for a moment, this one loads modules now."""
        if any(app is not self and app._root == self._root for app in _OPEN):
            sys.path_hooks.remove(self._hook)
            sys.path_hooks.insert(0, self._hook)
            imports.forget(self._root)

    def _others(self) -> set[int]:
        return {id(module) for app in _OPEN if app is not self for module in app._modules.values()}

    def _hide_others(self) -> dict[str, ModuleType]:
        others = self._others()
        owned = self._top_names()
        hidden = {}
        for name, module in list(sys.modules.items()):
            foreign = id(module) in others
            if not foreign and self._modules.get(name) is not module:
                foreign = (
                    name == imports.NAMESPACE
                    or self._is_ours(module)
                    or (name.partition(".")[0] in owned and _is_loose(module))
                )
            if foreign:
                hidden[name] = sys.modules.pop(name)
        return hidden

    def _top_names(self) -> set[str]:
        """Return the names that may be modules of this app; of ours there is none among them."""
        return {name.partition(".")[0] for name in os.listdir(self._root)} - OURS

    def _collect(self) -> None:
        """Note the namespace packages, too, which have no loader of ours."""
        others = self._others()
        for name, module in list(sys.modules.items()):
            if name in self._modules or id(module) in others:
                continue
            if self._strange.get(name) is not module and self._is_ours(module):
                self._modules[name] = module

    def _is_ours(self, module: Any) -> bool:
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            # Asked of every module there is: most are told by the beginning of their path.
            return file.startswith(self._root) and imports.is_app_folder(
                os.path.dirname(file), self._root
            )
        try:
            paths: Sequence[object] = list(getattr(module, "__path__", None) or ())
        except Exception:  # a lazy module may do anything when it is looked at
            return False
        return bool(paths) and all(
            isinstance(path, str) and imports.is_app_folder(path, self._root) for path in paths
        )

    def owns(self, name: str) -> bool:
        """Say whether `import name` in this app may mean one of its own modules."""
        top = name.partition(".")[0]
        place = os.path.join(self._root, top)
        return top == imports.NAMESPACE or os.path.exists(place) or os.path.exists(f"{place}.py")

    def is_shadowed(self) -> bool:
        """Say whether a name may mean another module to this app than to others."""
        return bool(self._strange or self._aside)

    def close(self) -> None:
        with _LOCK:
            if self not in _OPEN:
                return
            self._collect()
            _OPEN.remove(self)
            for name, module in self._modules.items():
                if sys.modules.get(name) is module:
                    del sys.modules[name]
                    self._restore(name)
            heir = next((app for app in _OPEN if app._root == self._root), None)
            for path in self._paths:
                if heir is not None:
                    heir._paths.append(path)
                elif path in sys.path:
                    sys.path.remove(path)
            with contextlib.suppress(ValueError):
                sys.path_hooks.remove(self._hook)
            imports.forget(self._root)
            importlib.invalidate_caches()
            self._modules, self._strange = {}, {}
            _guard_imports()

    def _restore(self, name: str) -> None:
        for app in reversed(_OPEN):
            if name in app._modules:
                sys.modules[name] = app._modules[name]
                if name in self._aside:
                    app._aside.setdefault(name, self._aside[name])
                return
        if name in self._aside:
            sys.modules[name] = self._aside[name]


class _Finder(MetaPathFinder):
    """Looks a name the app has up where a worker would: in what is installed, then in the app.

    Folders of tests stand before both on `sys.path`, and may have modules of the same name.
    """

    def __init__(self, root: str, names: set[str]) -> None:
        self._root = root
        self._names = names

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if path is not None or name not in self._names:
            return None
        installed = [each for each in sys.path if _is_installed(each)]
        found = PathFinder.find_spec(name, installed)
        if found is None or found.loader is None:
            found = PathFinder.find_spec(name, imports.app_paths(self._root))
        if found is not None and found.loader is None:
            # A folder without `__init__.py`: a fixed list keeps those of other places out.
            found.submodule_search_locations = list(found.submodule_search_locations or ())
        return found


def _is_installed(path: str) -> bool:
    """Say whether a folder of `sys.path` holds the standard library or installed packages."""
    return "-packages" in path or path.startswith(_STDLIB) or path.endswith(".zip")


def _is_loose(module: Any) -> bool:
    """Say whether a module comes from a folder of a person's own."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return not _is_installed(file)
    try:
        paths = list(getattr(module, "__path__", None) or ())
    except Exception:  # a lazy module may do anything when it is looked at
        return False
    return bool(paths) and not any(_is_installed(str(path)) for path in paths)


_import = builtins.__import__
_import_module = importlib.import_module


def _guard_imports() -> None:
    """Step into imports only while two modules of one name can be meant."""
    needed = len(_OPEN) > 1 or any(app.is_shadowed() for app in _OPEN)
    if needed and builtins.__import__ is _import:
        builtins.__import__ = _guarded_import
        importlib.import_module = _guarded_import_module
    elif not needed and builtins.__import__ is _guarded_import:
        builtins.__import__ = _import
        importlib.import_module = _import_module


def _guarded_import(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> ModuleType:
    owner = getattr((globals or {}).get("__loader__"), "owner", None)
    if isinstance(owner, AppModules) and (level or any(app.owns(name) for app in _OPEN)):
        with owner.importing():
            return _import(name, globals, locals, fromlist, level)
    return _import(name, globals, locals, fromlist, level)


def _guarded_import_module(name: str, package: str | None = None) -> ModuleType:
    owner = getattr(sys._getframe(1).f_globals.get("__loader__"), "owner", None)
    if isinstance(owner, AppModules):
        with owner.importing():
            return _import_module(name, package)
    return _import_module(name, package)
