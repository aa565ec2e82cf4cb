"""`/admin/functions/{name}/keys` and `/admin/host/{keys|functionkeys|systemkeys}`."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from emulator.server.keys import MASTER, KeyStore, is_sound
from emulator.server.replies import json_reply

_HOST_SCOPES = {"keys": "functionkeys", "functionkeys": "functionkeys", "systemkeys": "systemkeys"}


class KeysApi:
    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    async def handle(
        self, request: web.BaseRequest, parts: list[str], functions: dict[str, str]
    ) -> web.Response | None:
        """Answer a key request; `None` when `parts` (below `/admin/`) name none.

        `functions` maps lower-case names to the names as declared.
        """
        match [part.lower() for part in parts]:
            case ["functions", name, "keys"] | ["functions", name, "keys", _]:
                if name not in functions:
                    return web.Response(status=404)
                return await self._scope(request, "function", functions[name], parts[3:])
            case ["host", scope] | ["host", scope, _] if scope in _HOST_SCOPES:
                return await self._scope(request, _HOST_SCOPES[scope], "", parts[2:])
            case _:
                return None

    async def _scope(
        self, request: web.BaseRequest, kind: str, function: str, rest: list[str]
    ) -> web.Response:
        keys = self._keys.scope(kind, function).keys
        if not rest:
            if request.method != "GET":
                return web.Response(status=405)
            listed = [{"name": name, "value": value} for name, value in keys.items()]
            return json_reply({"keys": listed, "links": _links(request)})
        name = rest[0]
        if kind == "systemkeys" and name.lower() == MASTER:
            return await self._master(request)
        match request.method:
            case "GET":
                found = _named(keys, name)
                return (
                    web.Response(status=404)
                    if found is None
                    else json_reply(_shown(request, found, keys[found]))
                )
            case "POST":
                return self._put(request, kind, function, _named(keys, name) or name, None)
            case "PUT":
                value = await _given_value(request)
                if value is None:
                    return web.Response(status=400, text="Invalid key value")
                return self._put(request, kind, function, _named(keys, name) or name, value)
            case "DELETE":
                found = _named(keys, name)
                gone = found is not None and self._keys.delete(kind, found, function)
                return web.Response(status=204 if gone else 404)
            case _:
                return web.Response(status=405)

    def _put(
        self, request: web.BaseRequest, kind: str, function: str, name: str, value: str | None
    ) -> web.Response:
        stored, new = self._keys.put(kind, name, value, function)
        return json_reply(_shown(request, name, stored), 201 if new else 200)

    async def _master(self, request: web.BaseRequest) -> web.Response:
        match request.method:
            case "GET":
                return json_reply(_shown(request, MASTER, self._keys.master))
            case "POST":
                return json_reply(_shown(request, MASTER, self._keys.renew_master()), 201)
            case "PUT":
                value = await _given_value(request)
                if value is None:
                    return web.Response(status=400, text="Invalid key value")
                return json_reply(_shown(request, MASTER, self._keys.renew_master(value)))
            case "DELETE":
                return web.Response(status=400, text="Cannot delete System Key.")
            case _:
                return web.Response(status=405)


def _named(keys: dict[str, str], name: str) -> str | None:
    return next((known for known in keys if known.lower() == name.lower()), None)


async def _given_value(request: web.BaseRequest) -> str | None:
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError):
        return None
    value = given.get("value") if isinstance(given, dict) else None
    return value if isinstance(value, str) and is_sound(value) else None


def _shown(request: web.BaseRequest, name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "links": _links(request)}


def _links(request: web.BaseRequest) -> list[dict[str, str]]:
    path = request.raw_path.partition("?")[0]
    return [{"rel": "self", "href": f"{request.scheme}://{request.host}{path}"}]
