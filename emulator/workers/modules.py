"""Keeps the modules of apps apart that run in this very process.

While an app is open its modules stand in `sys.modules` under their plain names. Modules of the same
name that were there before, imported by a test perhaps, are set aside and come back when it is
closed. Of two apps open at once each imports only its own; what still looks a module up by name
later (`importlib.import_module` in a call, annotations resolved late) finds the newest app's.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.workers.pyworker import imports

_LOCK = threading.RLock()
_OPEN: list[AppModules] = []
"""Apps open in this process, oldest first. The import system is one per process; so is this."""


class AppModules:
    """The modules of one app."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._modules: dict[str, ModuleType] = {}
        self._aside: dict[str, ModuleType] = {}
        self._hook = imports.path_hook(self._root, self._loader())
        self._paths: list[str] = []
        """What this app has put on `sys.path` and must take away."""

    def _loader(self) -> type:
        app = self

        class Loader(imports.FreshLoader):
            owner = app

            def exec_module(self, module: ModuleType) -> None:
                app._modules[module.__name__] = module
                try:
                    super().exec_module(module)
                except BaseException:
                    app._modules.pop(module.__name__, None)
                    raise

        return Loader

    def open(self) -> None:
        with _LOCK:
            _OPEN.append(self)
            sys.path_hooks.insert(0, self._hook)
            self._paths = [path for path in imports.app_paths(self._root) if path not in sys.path]
            sys.path += self._paths
            imports.forget(self._root)
            self._modules[imports.NAMESPACE] = imports.namespace(self._root)
            _guard_imports()

    @contextlib.contextmanager
    def importing(self) -> Iterator[None]:
        """Let imports see this app's modules and nobody else's, then show what it has."""
        with _LOCK:
            hidden = self._hide_others()
            elsewhere = [
                path
                for app in _OPEN
                if app._root != self._root
                for path in app._paths
                if path in sys.path
            ]
            sys.path[:] = [path for path in sys.path if path not in elsewhere]
            sys.modules.update(self._modules)
            self._take_root()
            try:
                yield
            finally:
                self._collect()
                sys.path += elsewhere
                for name, module in hidden.items():
                    if name not in self._modules:
                        sys.modules[name] = module
                    elif not any(name in app._modules for app in _OPEN if app is not self):
                        self._aside.setdefault(name, module)
                _guard_imports()

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
        hidden = {}
        for name, module in list(sys.modules.items()):
            foreign = id(module) in others
            if not foreign and self._modules.get(name) is not module:
                foreign = name == imports.NAMESPACE or self._is_ours(module)
            if foreign:
                hidden[name] = sys.modules.pop(name)
        return hidden

    def _collect(self) -> None:
        """Note the namespace packages, too, which have no loader of ours."""
        others = self._others()
        for name, module in list(sys.modules.items()):
            if name not in self._modules and id(module) not in others and self._is_ours(module):
                self._modules[name] = module

    def _is_ours(self, module: Any) -> bool:
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            return imports.is_app_folder(os.path.dirname(file), self._root)
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

    def has_set_aside(self) -> bool:
        return bool(self._aside)

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
            self._modules = {}
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


_import = builtins.__import__


def _guard_imports() -> None:
    """Step into `import` only while two modules of one name can be meant."""
    needed = len(_OPEN) > 1 or any(app.has_set_aside() for app in _OPEN)
    if needed and builtins.__import__ is _import:
        builtins.__import__ = _guarded_import
    elif not needed and builtins.__import__ is _guarded_import:
        builtins.__import__ = _import


def _guarded_import(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> ModuleType:
    owner = getattr((globals or {}).get("__loader__"), "owner", None)
    if isinstance(owner, AppModules) and (level or any(app.owns(name) for app in _OPEN)):
        with owner.importing():
            return _import(name, globals, locals, fromlist, level)
    return _import(name, globals, locals, fromlist, level)
