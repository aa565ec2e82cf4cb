"""`/admin/*`: the host's state and its functions, in the shapes of the official host."""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from aiohttp import web

from emulator import __version__
from emulator.errors import EmulatorError, FunctionNotFound
from emulator.model import Problem, Severity
from emulator.runtime.generation import Generation
from emulator.runtime.host import Host
from emulator.runtime.launch import AppUnusable

_HOST_VERSION = "4.1052.200.0"
"""The version of the official host whose behaviour is served; tools compare its first number."""


class Admin:
    """Answers everything below `/admin/`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._instance = uuid4().hex
        self._runs: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        parts = [part for part in path.lower().split("/") if part][1:]
        match (request.method, parts):
            case ("GET", ["host", "status"]):
                return _json(self._status())
            case ("GET" | "POST", ["host", "ping"]):
                return web.Response(headers={"Cache-Control": "no-store, no-cache"})
            case ("GET", ["functions"]):
                return _json([self._function(request, f.name) for f in self._models()])
            case ("GET", ["functions", name]):
                shown = self._function(request, name)
                return web.Response(status=404) if shown is None else _json(shown)
            case ("GET", ["functions", name, "status"]):
                return self._function_status(name)
            case ("POST", ["functions", name]):
                return await self._call(request, name)
            case _:
                return web.Response(status=404)

    async def aclose(self) -> None:
        for run in self._runs:
            run.cancel()
        if self._runs:
            await asyncio.wait(self._runs)

    def _status(self) -> dict[str, Any]:
        host = self._host
        status: dict[str, Any] = {
            "id": host.context.app_root.name.lower(),
            "state": host.state,
            "version": _HOST_VERSION,
            "versionDetails": f"funcemu {__version__}",
            "instanceId": self._instance,
            "computerName": platform.node(),
            "processUptime": round(host.uptime * 1000),
            "functionAppContentEditingState": "Unknown",
            "processId": os.getpid(),
        }
        if host.current is not None:
            status["generation"] = host.current.number
        errors = [problem for problem in host.failure if problem.severity is Severity.ERROR]
        if errors:
            status["errors"] = [problem.message for problem in errors]
        if host.problems:
            status["problems"] = [problem_json(problem) for problem in host.problems]
        return status

    def _models(self) -> tuple[Any, ...]:
        generation = self._host.current
        return () if generation is None else generation.app.functions

    def _function(self, request: web.BaseRequest, name: str) -> dict[str, Any] | None:
        generation = self._host.current
        model = None if generation is None else generation.app.function(name)
        if generation is None or model is None:
            return None
        base = f"{request.scheme}://{request.host}"
        return {
            "name": model.name,
            "href": f"{base}/admin/functions/{model.name}",
            "invoke_url_template": _invoke_url(generation, model.name, base),
            "language": model.language,
            "config": dict(model.config),
            "files": None,
            "test_data": "",
            "isDisabled": model.disabled,
            "isDirect": False,
            "isProxy": False,
            "script_href": f"{base}/admin/functions/{model.name}",
        }

    def _function_status(self, name: str) -> web.Response:
        known = any(model.name.lower() == name for model in self._models())
        errors = [
            problem.message
            for problem in self._host.problems
            if problem.severity is Severity.ERROR and (problem.function or "").lower() == name
        ]
        if errors:
            return _json({"errors": errors})
        return _json({}) if known else web.Response(status=404)

    async def _call(self, request: web.BaseRequest, name: str) -> web.Response:
        body = await request.read()
        try:
            given = json.loads(body) if body.strip() else {}
        except ValueError:
            return _error(400, "The body is not JSON.", 'Send {"input": "…"} or nothing.')
        if not isinstance(given, dict):
            return _error(400, "The body is not a JSON object.", 'Send {"input": "…"}.')
        members = {key.lower(): value for key, value in given.items()}
        value = members.get("input", "")
        text = value if isinstance(value, str) else json.dumps(value)
        try:
            if self._host.current is None:
                raise AppUnusable(self._host.failure)
            self._host.current.invoker.find(name)
        except FunctionNotFound:
            return web.Response(status=404)
        except AppUnusable as error:
            return _error(503, error.message, "Mend the app and save.")
        run = asyncio.create_task(self._run(name, text))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return web.Response(status=202)

    async def _run(self, name: str, text: str) -> None:
        try:
            await self._host.call(name, text)
        except EmulatorError:
            return  # already told by the invocation's own events


def problem_json(problem: Problem) -> dict[str, Any]:
    """One problem as the admin API and the JSON console show it."""
    shown: Mapping[str, Any] = {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "where": None if problem.where is None else str(problem.where),
        "hint": problem.hint,
        "function": problem.function,
        "detail": problem.detail,
    }
    return {key: value for key, value in shown.items() if value is not None}


def _invoke_url(generation: Generation, name: str, base: str) -> str | None:
    for endpoint in generation.endpoints:
        if endpoint.function.model.name == name:
            own = endpoint.route.template == name
            return f"{base}/{endpoint.template.lower() if own else endpoint.template}"
    return None


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(value, ensure_ascii=False, default=str).encode("utf-8"),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )


def _error(status: int, message: str, hint: str) -> web.Response:
    return _json({"error": message, "hint": hint}, status)
