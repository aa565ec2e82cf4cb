"""`/admin/*`: the host's state and its functions, in the shapes of the official host."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import zlib
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from aiohttp import web

from emulator import __version__
from emulator.errors import EmulatorError, FunctionNotFound
from emulator.events import LogLine
from emulator.model import FunctionModel, Problem, Severity
from emulator.runtime.generation import Generation
from emulator.runtime.host import Host
from emulator.sdk import SettingsView
from emulator.secrets import without_secrets
from emulator.server.keysapi import KeysApi
from emulator.server.policy import SitePolicy
from emulator.server.replies import error_reply, json_reply

_HOST_VERSION = "4.1052.200.0"
"""The version of the official host whose behaviour is served; tools compare its first number."""


class Admin:
    """Answers everything below `/admin/`."""

    def __init__(self, host: Host, policy: SitePolicy) -> None:
        self._host = host
        self._policy = policy
        self._keys = KeysApi(policy.keys)
        self._instance = uuid4().hex
        self._runs: set[asyncio.Task[None]] = set()
        self._warm = False

    async def handle(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        refusal = self._policy.refusal(request)
        if refusal is not None:
            return error_reply(403, refusal, "Only this machine's own tools may use this address.")
        area, *parts = [unquote(part) for part in path.split("/") if part]
        if area.lower() != "admin":
            return web.Response(status=404)  # no binding of ours takes webhooks
        lowered = [part.lower() for part in parts]
        if lowered == ["host", "ping"] and request.method in {"GET", "POST"}:
            return web.Response(headers={"Cache-Control": "no-store, no-cache"})
        if lowered == ["warmup"]:
            return await self._warm_up()
        if not self._policy.allows("admin", request, query):
            return web.Response(status=401)
        match (request.method, lowered):
            case ("GET", ["host", "status"]):
                return json_reply(self._status())
            case ("GET", ["host", "processes"]):
                return json_reply(self._processes())
            case ("GET", ["host", "config"]):
                if self._host.current is None:
                    return self._not_running()
                return json_reply(without_secrets(self._host.context.host_json))
            case ("POST", ["host", "restart"]):
                self._background(self._restart())
                return json_reply(self._folders())
            case ("PUT", ["host", "state"]):
                return await self._set_state(request)
            case ("POST", ["host", "drain"]):
                return web.Response(status=202) if await self._host.drain() else self._not_running()
            case ("GET", ["host", "drain", "status"]):
                return self._drain_status()
            case ("POST", ["host", "resume"]):
                if not await self._host.resume():
                    return error_reply(409, "The host cannot go on.", "Mend the app and save.")
                return json_reply({"State": self._host.state})
            case ("POST", ["host", "synctriggers"]):
                return json_reply({"status": "success"})
            case ("POST", ["host", "log" | "debug"]):
                return web.Response(status=200)
            case ("GET", ["functions"]):
                return json_reply([self._function(request, f.name) for f in self._models()])
            case ("GET", ["functions", name]):
                shown = self._function(request, name)
                return web.Response(status=404) if shown is None else json_reply(shown)
            case ("GET", ["functions", name, "status"]):
                return self._function_status(name)
            case ("POST", ["functions", name]):
                return await self._call(request, name)
        names = {model.name.lower(): model.name for model in self._models()}
        answer = await self._keys.handle(request, parts, names)
        return answer or web.Response(status=404)

    async def aclose(self) -> None:
        for run in self._runs:
            run.cancel()
        if self._runs:
            await asyncio.wait(self._runs)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        run = asyncio.create_task(work)
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    async def _restart(self) -> None:
        await self._host.reload()

    async def _warm_up(self) -> web.Response:
        """Run the warm-up function, once per host; without one this does nothing, as on Azure."""
        if not self._warm and self._host.current is not None:
            self._warm = True
            for name, function in self._host.current.functions.items():
                if function.trigger.type_name.lower() == "warmuptrigger":
                    await self._run(name, "")
        return web.Response(status=200)

    async def _set_state(self, request: web.BaseRequest) -> web.Response:
        try:
            wanted = json.loads(await request.read())
        except (ValueError, RecursionError):
            wanted = None
        states = {"offline": True, "running": False}
        if not isinstance(wanted, str) or wanted.lower() not in states:
            return error_reply(400, "The body is no state.", 'Send "offline" or "running".')
        changed = self._host.set_offline(states[wanted.lower()])
        return web.Response(status=202 if changed else 200)

    def _drain_status(self) -> web.Response:
        generation = self._host.current
        if generation is None:
            return self._not_running()
        outstanding = len(generation.invoker.in_flight)
        state = "InProgress" if outstanding else "Completed"
        return json_reply(
            {
                "state": state if generation.draining else "Disabled",
                "outstandingInvocations": outstanding,
                "outstandingRetries": 0,  # a call that is tried again counts as outstanding
            }
        )

    def _processes(self) -> dict[str, Any]:
        generation = self._host.current
        workers = () if generation is None else generation.channel.pids
        return {
            "processes": [
                {"processId": os.getpid(), "processName": "funcemu", "type": "host"},
                *({"processId": pid, "processName": "python", "type": "worker"} for pid in workers),
            ]
        }

    def _folders(self) -> dict[str, Any]:
        root = str(self._host.context.app_root)
        return {
            "isFileSystemReadOnly": False,
            "isScmRunFromPackage": False,
            "isSelfHost": True,
            "hasParentScope": False,
            "scriptPath": root,
            "logPath": "",
            "secretsPath": "",
            "testDataPath": "",
        }

    def _status(self) -> dict[str, Any]:
        host = self._host
        status: dict[str, Any] = {
            "id": host_id(host.context.settings, host.context.app_root),
            "state": host.state if host.offline is None else "Offline",
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

    def _models(self) -> list[FunctionModel]:
        """Return every sound function, those that an allow list leaves out as well."""
        if self._host.current is None:
            return []
        app = self._host.current.app
        return sorted((*app.functions, *app.excluded), key=lambda model: model.name.lower())

    def _function(self, request: web.BaseRequest, name: str) -> dict[str, Any] | None:
        generation = self._host.current
        model = next((each for each in self._models() if each.name.lower() == name.lower()), None)
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
            # The file system is not served.
            "script_root_path_href": None,
            "script_href": None,
            "config_href": None,
            "test_data_href": None,
        }

    def _function_status(self, name: str) -> web.Response:
        known = any(model.name.lower() == name for model in self._models())
        errors = [
            problem.message
            for problem in self._host.problems
            if problem.severity is Severity.ERROR and (problem.function or "").lower() == name
        ]
        if errors:
            return json_reply({"errors": errors})
        return json_reply({}) if known else web.Response(status=404)

    async def _call(self, request: web.BaseRequest, name: str) -> web.Response:
        body = await request.read()
        try:
            given = json.loads(body) if body.strip() else {}
            if not isinstance(given, dict):
                return error_reply(400, "The body is not a JSON object.", 'Send {"input": "…"}.')
            members = {key.lower(): value for key, value in given.items()}
            value = members.get("input")
            text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
        except (ValueError, RecursionError):
            return error_reply(400, "The body is not JSON.", 'Send {"input": "…"} or nothing.')
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text
        if self._host.current is None:
            return self._not_running()
        try:
            self._host.current.invoker.find(name)
        except FunctionNotFound:
            return web.Response(status=404)
        self._background(self._run(name, text))
        return web.Response(status=202)

    def _not_running(self) -> web.Response:
        reasons = "; ".join(problem.message for problem in self._host.failure)
        return error_reply(503, f"The host is not running. {reasons}", "Mend the app and save.")

    async def _run(self, name: str, text: str) -> None:
        try:
            await self._host.call(name, text)
        except EmulatorError:
            return  # already told by the invocation's own events
        except Exception as error:  # a trigger of a binding package may raise anything
            message = f"Function '{name}' was not run: {type(error).__name__}: {error}"
            self._host.events.publish(LogLine("Error", message, f"Function.{name}"))


def host_id(settings: SettingsView, root: Path) -> str:
    """Name the host as Azure's tools do: as the setting says, else by machine and folder."""
    given = settings.get("AzureFunctionsWebHost__hostid")
    if given:
        return given
    machine = "".join(c for c in platform.node().lower() if c.isascii() and c.isalnum()) or "host"
    where = zlib.crc32(str(root).encode("utf-8", "surrogateescape"))
    return f"{machine[:21]}-{where}"


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
