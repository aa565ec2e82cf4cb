"""Why no function answered a request, for the line on the console; the client sees Azure's 404."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.config.suggest import did_you_mean
from emulator.model import FunctionModel
from emulator.routing.table import RouteEntry, RouteTable
from emulator.runtime.generation import Generation

_MOST_ROUTES = 100
"""Above this many, near misses are not looked for: requests have to stay cheap."""


def why_unanswered(generation: Generation, method: str, path: str) -> str:
    """Return what would have to be otherwise, or nothing when that cannot be told."""
    return (
        _other_methods(generation, method, path)
        or _without_prefix(generation, method, path)
        or _in_error(generation, path)
        or _misspelt(generation, path)
    )


def _other_methods(generation: Generation, method: str, path: str) -> str:
    methods = sorted({each for one in generation.endpoints for each in one.route.methods or ()})
    names: dict[str, list[str]] = {}
    for each in methods:
        match = generation.routes.match(each, path)
        if match is not None:
            names.setdefault(match.target.function.model.name, []).append(each)
    told = [f"'{name}' answers {' and '.join(its)}" for name, its in names.items()]
    # A browser asks so before a page of another origin may call.
    hint = "; --cors ORIGIN lets pages call" if method == "OPTIONS" else ""
    return f"{', '.join(told)}, not {method}{hint}" if told else ""


def _without_prefix(generation: Generation, method: str, path: str) -> str:
    prefix = generation.host_config.http.route_prefix.strip("/")
    match = generation.routes.match(method, f"/{prefix}{path}") if prefix else None
    return f"did you mean /{match.target.template}?" if match is not None else ""


def _in_error(generation: Generation, path: str) -> str:
    prefix = generation.host_config.http.route_prefix.strip("/")
    wanted = [
        RouteEntry(function.name, f"{prefix}/{route}".strip("/"), None, function.name)
        for function in generation.app.functions
        if function.name not in generation.functions
        for route in _routes(function)
    ]
    match = RouteTable.build(wanted)[0].match("GET", path) if wanted else None
    return "" if match is None else f"'{match.target}' is not served; the start says why"


def _routes(function: FunctionModel) -> Iterable[str]:
    for binding in function.bindings:
        if binding.is_trigger:
            yield str(binding.properties.get("route") or function.name).strip("/")


def _misspelt(generation: Generation, path: str) -> str:
    if len(generation.endpoints) > _MOST_ROUTES:
        return ""
    told = did_you_mean(path, _plain_paths(generation))
    return told.replace("'", "").replace("Did", "did") if told is not None else ""


def _plain_paths(generation: Generation) -> Iterable[str]:
    return (f"/{each.template}" for each in generation.endpoints if "{" not in each.template)
