"""Bindings for tests: an input that delivers what it is told, an output that writes down.

`canned` delivers `value` as the kind `kind`; `kept` appends what it gets to the file named by the
setting PROBE_FILE, after `wait` milliseconds, and fails when `path` is `fail` or `crash`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

from emulator.sdk import (
    BindingError,
    Call,
    Datum,
    Input,
    Options,
    Output,
    Resolved,
    Trigger,
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
