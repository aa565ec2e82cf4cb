"""The options of a binding type, for people."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from emulator.invocation.options import OptionsField, fields_of
from emulator.sdk import Options

Expressions = Literal["none", "settings", "settings and data"]


class OptionField(NamedTuple):
    """One option as written in function.json; `default` is JSON text, empty when required."""

    name: str
    kind: str
    required: bool
    default: str
    expressions: Expressions


def option_fields(kind: type[Options]) -> list[OptionField]:
    """Return every option in the order of the struct: the required ones first."""
    defaults = {each.name: each for each in msgspec.structs.fields(kind)}
    described = [_field(each, defaults[each.name]) for each in fields_of(kind)]
    return sorted(described, key=lambda each: not each.required)


def _field(field: OptionsField, declared: Any) -> OptionField:
    expressions: Expressions = "none"
    if field.mark is not None:
        expressions = "settings and data" if field.mark.data else "settings"
    return OptionField(
        name=field.json_name,
        kind=_kind(field.kind),
        required=field.required,
        default="" if field.required else _default(declared),
        expressions=expressions,
    )


def _default(field: Any) -> str:
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    return "" if value is None else msgspec.json.encode(value).decode("utf-8")


def _kind(annotation: Any) -> str:
    """Return a type in the words of JSON."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        named = [_kind(each) for each in get_args(annotation) if each is not type(None)]
        return " or ".join(named)
    if origin in (list, tuple):
        inner = next((each for each in get_args(annotation) if each is not Ellipsis), Any)
        return f"list of {_kind(inner)}s"
    if origin is Literal:
        return " or ".join(str(each) for each in get_args(annotation))
    words = {str: "text", int: "number", float: "number", bool: "true or false", dict: "object"}
    return words.get(annotation, words.get(origin, getattr(annotation, "__name__", "value")))
