"""Bindings for tests: an input that delivers what it is told, an output that writes down.

`/_probe/…` echoes, streams, breaks off and fails, by the next part of the path.

`canned` delivers `value` as the kind `kind`; `kept` appends what it gets to the file named by the
setting PROBE_FILE, after `wait` milliseconds, and fails when `path` is `fail` or `crash`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from emulator.sdk import (
    BindingError,
    Call,
    Datum,
    Extension,
    HttpRequestData,
    HttpResponseData,
    Input,
    Options,
    Output,
    Resolved,
    StreamedResponse,
    Trigger,
    WorkerEnvironment,
)


class CannedOptions(Options, frozen=True):
    value: Resolved = ""
    kind: str = "text"


class Canned(Input[CannedOptions]):
    type_name = "canned"
    summary = "Delivers a value written in its declaration."
    options_type = CannedOptions

    async def read(self, call: Call) -> Datum:
        text = call.options.value
        match call.options.kind:
            case "none":
                return Datum("none", None)
            case "bytes":
                return Datum("bytes", text.encode())
            case "int":
                return Datum("int", int(text))
            case "float":
                return Datum("float", float(text))
            case "list":
                return Datum("list", tuple(Datum("text", each) for each in text.split(",")))
            case "failing":
                raise BindingError(f"nothing called '{text}' is there")
            case "crashing":
                raise ZeroDivisionError("a bug of the binding")
            case kind:
                return Datum(kind, text)


class KeptOptions(Options, frozen=True):
    path: Resolved
    wait: int = 0


class Kept(Output[KeptOptions]):
    type_name = "kept"
    summary = "Appends what it is given to a file, one JSON object per line."
    options_type = KeptOptions

    async def write(self, call: Call, value: Datum) -> None:
        options = call.options
        if options.path == "fail":
            raise BindingError("the store is closed", hint="Open it.")
        if options.path == "crash":
            raise ZeroDivisionError("a bug of the binding")
        await asyncio.sleep(options.wait / 1000)
        shown = value.value
        if value.kind == "bytes":
            shown = base64.b64encode(value.value).decode()
        line = json.dumps(
            {"path": options.path, "kind": value.kind, "value": shown, "by": call.function.name}
        )
        file = Path(self.services.settings.get("PROBE_FILE") or "")
        with file.open("a", encoding="utf-8") as lines:
            lines.write(line + "\n")


class ProbeTrigger(Trigger):
    type_name = "probeTrigger"
    summary = "Fires only when somebody asks the admin API."


class ProbeEndpoint(Extension):
    async def serve(
        self, path: str, request: HttpRequestData
    ) -> HttpResponseData | StreamedResponse:
        match path:
            case "stream":
                return StreamedResponse(_parts(3), 201, (("x-probe", "1"),))
            case "cut":
                return StreamedResponse(_parts(3, cut=True))
            case "broken":
                raise ConnectionAbortedError("on purpose")
            case "crash":
                raise RuntimeError("on purpose")
            case "status":
                return HttpResponseData(418, (("x-probe", "1"),), b"tea")
        value = {
            "path": path,
            "method": request.method,
            "query": dict(request.query),
            "body": request.body.decode(),
        }
        return HttpResponseData(200, (("content-type", "application/json"),), _json(value))

    def summary(self) -> tuple[str, ...]:
        return ("The probe was here.",)


async def _parts(count: int, *, cut: bool = False) -> AsyncIterator[bytes]:
    for number in range(count):
        yield f"part {number}\n".encode()
        await asyncio.sleep(0)
    if cut:
        raise ConnectionAbortedError("on purpose")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def environment(*, url: str, flags: Mapping[str, str], **_: Any) -> WorkerEnvironment:
    return WorkerEnvironment({"PROBE_URL": f"{url}/_probe"}, ("The probe is set.",))
