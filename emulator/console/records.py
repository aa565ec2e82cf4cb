"""An event as one flat JSON object."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from emulator.events import Event, GenerationReady
from emulator.model import SourceSpan


def record(event: Event, at: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {"time": at.isoformat(), "event": _snake(type(event).__name__)}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if isinstance(event, GenerationReady) and name == "app":
            shown["functions"] = [function.name for function in value.functions]
        elif value is not None:
            shown[name] = plain(value)
    return shown


def plain(value: Any) -> Any:
    """Reduce a value of the house to what JSON knows."""
    match value:
        case SourceSpan() | Path():
            return str(value)
        case Enum():
            return value.value
        case _ if is_dataclass(value) and not isinstance(value, type):
            members = {field.name: getattr(value, field.name) for field in fields(value)}
            return {name: plain(each) for name, each in members.items() if each is not None}
        case msgspec.Struct():
            shown = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
            return {name: each for name, each in shown.items() if each is not None}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return value


def _snake(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
