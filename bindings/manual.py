"""`manualTrigger` and `warmupTrigger`: functions that run only when somebody asks for it.

A manual function is run by the admin API (or `funcemu call`) with its input as text; the members of
an input that is a JSON object answer `{name}` in its other bindings. A warm-up function is run by
`/admin/warmup`, once per host, and by the admin API as often as asked.

Differences: Azure warms an instance up by itself; here nobody does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from emulator.sdk import MANUAL_REASON, Datum, Fired, NoOptions, Trigger


class ManualTrigger(Trigger[NoOptions]):
    type_name = "manualTrigger"
    summary = "Runs the function when the admin API asks for it, with a text."
    sample = Datum("json", '{"name": "Azure"}')

    def manual(self, text: str) -> Fired:
        return Fired(Datum("text", text), MANUAL_REASON, lambda: _members(text))


class WarmupTrigger(Trigger[NoOptions]):
    type_name = "warmupTrigger"
    summary = "Runs the function once, when the host is told to warm up."
    sample = Datum("text", "")


def _members(text: str) -> Mapping[str, Any]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        members: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return members
