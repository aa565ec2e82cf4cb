"""host.json settings given from outside: `AzureFunctionsJobHost__extensions__http__routePrefix`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.config.jsonc import KeyPath
from emulator.config.settings import Setting, normalised

_PREFIX = "azurefunctionsjobhost:"


def overridden(
    raw: Mapping[str, Any], settings: Iterable[Setting]
) -> tuple[dict[str, Any], dict[KeyPath, Setting]]:
    """Return `raw` with the overrides applied, and which setting gave which path.

    Path parts are compared without case; a number is an index where a list stands or begins.
    """
    result = _copy(raw)
    origins: dict[KeyPath, Setting] = {}
    given = [
        (setting.name.replace("__", ":").split(":")[1:], setting)
        for setting in settings
        if normalised(setting.name).startswith(_PREFIX)
    ]
    for parts, setting in sorted(given, key=lambda each: [_order(part) for part in each[0]]):
        if all(parts):
            origins[_put(result, parts, setting.value)] = setting
    return result, origins


def _order(part: str) -> tuple[int, str]:
    """Sort key of a path part: elements come by their number, whatever order they are given in."""
    return (int(part), "") if _is_index(part) else (-1, part.lower())


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdecimal() and len(part) < 6


def _put(container: dict[str, Any], parts: list[str], value: str) -> KeyPath:
    path: list[str | int] = []
    here: Any = container
    for position, part in enumerate(parts):
        key = _key(here, part)
        path.append(key)
        if position == len(parts) - 1:
            _assign(here, key, value)
            break
        below = here.get(key) if isinstance(here, dict) else _item(here, key)
        if not isinstance(below, dict | list):
            below = [] if _is_index(parts[position + 1]) else {}
            _assign(here, key, below)
        elif isinstance(below, list) and not _is_index(parts[position + 1]):
            below = {str(index): each for index, each in enumerate(below)}
            _assign(here, key, below)
        here = below
    return tuple(path)


def _key(container: Any, part: str) -> str | int:
    if isinstance(container, list):
        # An index past the end adds an element, as a gap has no meaning.
        return min(int(part), len(container))
    wanted = part.lower()
    return next((key for key in container if key.lower() == wanted), part)


def _item(container: list[Any], index: str | int) -> Any:
    return container[int(index)] if int(index) < len(container) else None


def _assign(container: Any, key: str | int, value: Any) -> None:
    if not isinstance(container, list):
        container[key] = _like(container.get(key), value)
    elif int(key) < len(container):
        container[int(key)] = _like(container[int(key)], value)
    else:
        container.append(value)


def _like(old: Any, text: Any) -> Any:
    """Give a text the type of what it replaces, where it fits."""
    if not isinstance(text, str):
        return text
    try:
        if isinstance(old, bool):
            return {"true": True, "false": False}[text.strip().lower()]
        if isinstance(old, int):
            return int(text)
        if isinstance(old, float):
            return float(text)
    except (KeyError, ValueError):
        return text
    return text


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value
