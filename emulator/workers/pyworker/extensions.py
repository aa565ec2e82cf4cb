"""Worker extensions: what packages want to be run around the app's functions.

As Azure's worker up to Python 3.12 runs them. Which there are `azure.functions` knows, for the
whole process; where apps share one, each runs those of its own modules and of packages they use.

Differences: what extensions log is shown. On Azure it goes where the worker's own words go.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import sys
import types
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Set

from .failure import is_app_file
from .logs import EXTENSION_LOGGERS
from .sdk import CLASSIC, Sdk

SETTING = "PYTHON_ENABLE_WORKER_EXTENSIONS"
CONTEXT = "$context"
"""Keyword by which a wrapped function is given the context, also when it does not take one."""
TRUE = ("1", "true", "t", "yes", "y")
_FALSE = ("0", "false", "f", "no", "n")
_LISTS = ("post_function_load", "pre_invocation", "post_invocation")


class Extensions:
    """The extensions of one app."""

    def __init__(
        self,
        root: str,
        environment: Mapping[str, str],
        *,
        sdk: Sdk,
        exclusive: bool,
        warn: Callable[[str], None],
    ) -> None:
        self._meta: Any = getattr(sdk.functions, "ExtensionMeta", None)
        self._root = root
        self._exclusive = exclusive
        self._warn = warn
        self._own: Dict[int, Any] = {}
        self._used: Optional[Set[str]] = None
        self._told = False
        self.enabled = self._meta is not None and CLASSIC and _is_on(environment)

    @contextlib.contextmanager
    def registering(self) -> Iterator[None]:
        """Watch which ones the app's modules bring while they are imported."""
        if self._meta is None or self._exclusive:
            yield
            return
        before = {id(each) for each in self._all()}
        try:
            yield
        finally:
            self._own.update((id(each), each) for each in self._all() if id(each) not in before)
            self._used = None

    def loaded(self, function: str, directory: str) -> None:
        """Run what is to be run when a function has been loaded."""
        if not self.enabled:
            return
        for hook in [*self._of(function, _LISTS[0]), *self._of(None, f"{_LISTS[0]}_app_level")]:
            _run(hook, function, directory)

    def around(self, function: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with what is to be run before and after it."""

        def before(context: Any, keywords: Dict[str, Any]) -> None:
            for hook in self._of(None, "pre_invocation_app_level"):
                _run(hook, _logger(hook), context, keywords)
            for hook in self._of(function, "pre_invocation"):
                _run(hook, _logger(hook), context, keywords)

        def after(context: Any, keywords: Dict[str, Any], value: Any) -> None:
            for hook in self._of(function, "post_invocation"):
                _run(hook, _logger(hook), context, keywords, value)
            for hook in self._of(None, "post_invocation_app_level"):
                _run(hook, _logger(hook), context, keywords, value)

        @functools.wraps(call)
        def wrapped(**keywords: Any) -> Any:
            context = keywords.pop(CONTEXT)
            before(context, keywords)
            value = call(**keywords)
            after(context, keywords, value)
            return value

        @functools.wraps(call)
        async def wrapped_async(**keywords: Any) -> Any:
            context = keywords.pop(CONTEXT)
            before(context, keywords)
            value = await call(**keywords)
            after(context, keywords, value)
            return value

        return wrapped_async if inspect.iscoroutinefunction(call) else wrapped

    def tell(self) -> None:
        """Say once which ones are there and do not run."""
        if self.enabled or self._told or self._meta is None:
            return
        names = list(dict.fromkeys(each.ext_name for each in self._all() if self._is_mine(each)))
        if not names:
            return
        self._told = True
        why = f"Azure's worker runs them when {SETTING} is 1"
        if not CLASSIC:
            why = "Azure's worker for Python 3.13 and later runs none"
        self._warn(f"The app has worker extensions ({', '.join(names)}), which do not run: {why}")

    def close(self) -> None:
        """Forget those of the app's own modules, which will be imported anew."""
        if self._meta is None or self._exclusive:
            return
        for hooks in self._lists():
            hooks[:] = [
                each for each in hooks if id(each) not in self._own or not self._is_app_s(each)
            ]

    def _of(self, function: Optional[str], name: str) -> List[Any]:
        if function is None:
            hooks = self._meta.get_application_hooks()
        else:
            hooks = self._meta.get_function_hooks(function)
        return [each for each in getattr(hooks, name, None) or () if self._is_mine(each)]

    def _lists(self) -> Iterator[List[Any]]:
        for hooks in [*self._meta._func_exts.values(), self._meta._app_exts or ()]:
            yield from hooks

    def _all(self) -> Iterator[Any]:
        for hooks in self._lists():
            yield from hooks

    def _is_mine(self, hook: Any) -> bool:
        if self._exclusive or id(hook) in self._own:
            return True
        return not self._is_app_s(hook) and _package_of(_class_of(hook)) in self._packages()

    def _is_app_s(self, hook: Any) -> bool:
        module = sys.modules.get(_class_of(hook).__module__)
        return is_app_file(getattr(module, "__file__", None), self._root)

    def _packages(self) -> Set[str]:
        """Name the packages that the app's own modules have something of."""
        if self._used is None:
            self._used = {
                _package_of(value)
                for module in list(sys.modules.values())
                if is_app_file(getattr(module, "__file__", None), self._root)
                for value in list(vars(module).values())
            }
        return self._used


def _is_on(environment: Mapping[str, str]) -> bool:
    value = environment.get(SETTING, "").strip().lower()
    return value in TRUE or (sys.version_info[:2] == (3, 9) and value not in _FALSE)


def _class_of(hook: Any) -> Any:
    owner = getattr(hook.ext_impl, "__self__", hook.ext_impl)
    return owner if isinstance(owner, type) else type(owner)


def _package_of(value: Any) -> str:
    name = value.__name__ if isinstance(value, types.ModuleType) else None
    name = name or getattr(value, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


def _logger(hook: Any) -> logging.Logger:
    return logging.getLogger(f"{EXTENSION_LOGGERS}{hook.ext_name}")


def _run(hook: Any, *arguments: Any) -> None:
    """Run a hook; one that fails is told, and the call goes on."""
    try:
        hook.ext_impl(*arguments)
    except Exception as error:  # the border to the code of extensions
        _logger(hook).error(error, exc_info=True)
