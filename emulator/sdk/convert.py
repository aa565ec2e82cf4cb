"""A `Datum` to and from text, JSON and bytes, as bindings need it."""

from __future__ import annotations

import json
from typing import Any

from emulator.errors import BindingError
from emulator.model import NONE, Datum


def json_datum(value: Any) -> Datum:
    """Return `value` as compact JSON."""
    return Datum("json", json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def to_text(value: Datum) -> str:
    """Return the text a binding with text content would store; bytes must be UTF-8."""
    match value.kind:
        case "none":
            return ""
        case "text" | "json":
            return str(value.value)
        case "bytes":
            try:
                return bytes(value.value).decode("utf-8")
            except UnicodeDecodeError as error:
                raise BindingError(f"the value is not UTF-8 text ({error.reason})") from error
        case "int" | "float":
            return repr(value.value)
        case "list":
            return json.dumps([to_text(each) for each in value.value], ensure_ascii=False)
        case _:
            raise BindingError(f"a value of kind '{value.kind}' has no text form")


def to_json(value: Datum) -> Any:
    """Parse the value as JSON; raise `ValueError` when it is not."""
    match value.kind:
        case "none":
            return None
        case "int" | "float":
            return value.value
        case "list":
            return [to_json(each) for each in value.value]
        case _:
            return json.loads(to_text(value))


def items(value: Datum) -> list[Datum]:
    """Split what a function gave to an output that collects.

    A JSON array, as JSON or as text that is JSON, is one item per element; everything else is one
    item. (Rule of the official host for collector outputs.)
    """
    if value.kind == "list":
        return list(value.value)
    if value.kind not in {"text", "json"}:
        return [] if value.is_none else [value]
    text = str(value.value).strip()
    if not (text.startswith("[") and text.endswith("]")):
        return [value]
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return [value]
    return [_item(each) for each in parsed]


def _item(value: Any) -> Datum:
    if value is None:
        return NONE
    if isinstance(value, str):
        return Datum("text", value)
    return json_datum(value)
