"""Whether the parts of a request have the shapes of the protocol; a service refuses them else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bindings.openai.serving.wire import Refused

_DEEPEST = 50
_SEVERAL = ("anyOf", "oneOf", "allOf")
_NAMED = ("properties", "$defs", "definitions")


def invalid(name: str, wanted: str) -> Refused:
    return Refused(
        400,
        f"Invalid type or value for '{name}': expected {wanted}.",
        param=name,
        code="invalid_type",
    )


def check_message(message: Mapping[str, Any], name: str) -> None:
    content = message.get("content")
    if isinstance(content, list):
        if not all(isinstance(part, dict) and _is_text(part.get("text")) for part in content):
            raise invalid(f"{name}.content", "a string, or an array of objects")
    elif not _is_text(content):
        raise invalid(f"{name}.content", "a string, or an array of objects")
    for member in ("name", "tool_call_id"):
        if not _is_text(message.get(member)):
            raise invalid(f"{name}.{member}", "a string")
    calls = message.get("tool_calls")
    if calls is not None and not (isinstance(calls, list) and all(map(_is_call, calls))):
        raise invalid(
            f"{name}.tool_calls",
            "an array of objects with 'id' and 'function', which has 'name' and 'arguments'",
        )


def check_choice(choice: Any) -> None:
    if choice is None or isinstance(choice, str):
        return
    function = choice.get("function") if isinstance(choice, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise invalid("tool_choice", "a string, or an object with a 'function' that has a 'name'")


def check_format(form: Any) -> None:
    if form is None:
        return
    if not isinstance(form, dict) or not isinstance(form.get("type"), str):
        raise invalid("response_format", "an object with a 'type'")
    schema = form.get("json_schema")
    if schema is None:
        return
    if not isinstance(schema, dict):
        raise invalid("response_format.json_schema", "an object")
    check_schema(schema.get("schema"), "response_format.json_schema.schema")


def check_schema(schema: Any, name: str, depth: int = 0) -> None:
    """Raise `Refused` for what no JSON schema has."""
    if schema is None:
        return
    if depth > _DEEPEST:
        raise invalid(name, f"a JSON schema of at most {_DEEPEST} levels")
    if not isinstance(schema, dict):
        raise invalid(name, "a JSON schema, which is an object")
    for member, is_right, wanted in _MEMBERS:
        if member in schema and not is_right(schema[member]):
            raise invalid(f"{name}.{member}", wanted)
    for member in _NAMED:
        for key, each in schema.get(member, {}).items():
            _check_inner(each, f"{name}.{member}.{key}", depth)
    for member in _SEVERAL:
        for index, each in enumerate(schema.get(member, [])):
            _check_inner(each, f"{name}.{member}[{index}]", depth)
    items = schema.get("items")
    if not isinstance(items, bool):
        check_schema(items, f"{name}.items", depth + 1)


def _check_inner(schema: Any, name: str, depth: int) -> None:
    if not isinstance(schema, bool):  # these two are schemas, too
        if schema is None:
            raise invalid(name, "a JSON schema, which is an object")
        check_schema(schema, name, depth + 1)


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_call(value: Any) -> bool:
    function = value.get("function") if isinstance(value, dict) else None
    return (
        isinstance(function, dict)
        and isinstance(value.get("id"), str)
        and isinstance(function.get("name"), str)
        and isinstance(function.get("arguments"), str)
    )


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_filled(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


_MEMBERS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    (
        "type",
        lambda value: isinstance(value, str) or (_is_texts(value) and bool(value)),
        "a string, or an array of strings",
    ),
    ("required", _is_texts, "an array of strings"),
    ("enum", _is_filled, "an array of values"),
    ("minItems", _is_count, "a whole number"),
    ("$ref", lambda value: isinstance(value, str), "a string"),
    *((name, _is_object, "an object") for name in _NAMED),
    *((name, _is_filled, "an array of JSON schemas") for name in _SEVERAL),
)
