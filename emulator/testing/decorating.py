"""Apps as decorators: each run of a function gets an app of its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from emulator.testing.app import EmulatedApp


def opened_around(
    function: Callable[..., Any], make: Callable[[], EmulatedApp]
) -> Callable[..., Any]:
    """Return `function` with what `make` gives opened around each run, as one more argument."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            async with make() as app:
                return await function(*args, app, **kwargs)
    else:

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with make() as app:
                return function(*args, app, **kwargs)

    _hide_argument(run, function)
    return run


def _hide_argument(wrapper: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Let pytest, which fills parameters by name, not see the one that is the app."""
    signature = inspect.signature(function)
    names = list(signature.parameters)
    own = names[1:2] if names[:1] == ["self"] else names[:1]
    kept = [each for name, each in signature.parameters.items() if name not in own]
    cast(Any, wrapper).__signature__ = signature.replace(parameters=kept)
