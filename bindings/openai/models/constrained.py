"""What a caller may demand of an answer: which tool is called, and that the text is JSON.

A service would obey such demands; the offline models know nothing of them. So that code which reads
the answer as JSON goes on working, it gets a value of the wanted form, made of what was said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bindings.openai.models.arguments import fill
from bindings.openai.models.base import (
    CHARACTERS_A_TOKEN,
    ChatReply,
    ChatRequest,
    ModelBackend,
    ToolCall,
    estimate_usage,
)
from bindings.openai.models.matching import Skill, skill_of
from emulator.sdk import Clock

_DEEPEST = 12
"""Levels after which a schema that contains itself is cut off."""
_MOST_ITEMS = 100
"""How many items are made up where a schema asks for more."""


class Constrained:
    """An offline model that keeps to `tool_choice`, `response_format` and `max_tokens`."""

    def __init__(self, inner: ModelBackend, clock: Clock) -> None:
        self.name = inner.name
        self._inner = inner
        self._clock = clock

    async def chat(self, request: ChatRequest) -> ChatReply:
        return _cut(await self._demanded(request), request)

    async def _demanded(self, request: ChatRequest) -> ChatReply:
        if not request.extra:
            return await self._inner.chat(request)
        choice = request.extra.get("tool_choice")
        reply = await self._inner.chat(_narrowed(request, choice))
        demands = choice == "required" or isinstance(choice, Mapping)
        if demands and not reply.tool_calls and not _has_results(request):
            forced = self._forced(request, choice)
            return reply if forced is None else forced
        schema = _wanted_schema(request.extra.get("response_format"))
        if schema is None or reply.tool_calls or reply.finish_reason != "stop":
            return reply
        text = self._json(schema, request, reply.content)
        return replace(reply, content=text, usage=estimate_usage(request, text))

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _forced(self, request: ChatRequest, choice: Any) -> ChatReply | None:
        """Call a tool although no words ask for it."""
        tools = _narrowed(request, choice).tools
        if not tools:
            return None
        skill = skill_of(tools[0])
        given = fill(skill, _said(request), self._clock.now())
        arguments = json.dumps(conform(skill.parameters, given), ensure_ascii=False)
        place = f"{len(request.messages)}\n{skill.name}\n{arguments}"
        identity = f"call_{hashlib.sha256(place.encode()).hexdigest()[:24]}"
        usage = estimate_usage(request, skill.name + arguments)
        return ChatReply("", (ToolCall(identity, skill.name, arguments),), "tool_calls", usage)

    def _json(self, schema: Mapping[str, Any], request: ChatRequest, answer: str) -> str:
        if not schema:
            return json.dumps({"answer": answer}, ensure_ascii=False)
        given = fill(Skill("", "", schema), _said(request), self._clock.now())
        return json.dumps(conform(schema, given), ensure_ascii=False)


def _cut(reply: ChatReply, request: ChatRequest) -> ChatReply:
    """Break a text off where the app's own code wants no more tokens.

    Bindings want a hundred by default, with which lists that are read out would rarely end.
    """
    most = request.max_tokens
    if request.function or most is None or reply.usage.completion <= most or reply.tool_calls:
        return reply
    text = reply.content[: most * CHARACTERS_A_TOKEN]
    usage = estimate_usage(request, text)
    return replace(reply, content=text, finish_reason="length", usage=usage)


def conform(
    schema: Mapping[str, Any], value: Any, root: Mapping[str, Any] | None = None, depth: int = 0
) -> Any:
    """Return `value` where the schema takes it, and the least the schema asks for elsewhere."""
    root = schema if root is None else root
    schema = _resolved(schema, root)
    if depth > 2 * _DEEPEST:  # it refers to itself without end
        return None
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several) and "type" not in schema:
            return conform(_fitting(schema[several], value, root), value, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return value if value in schema["enum"] else schema["enum"][0]
    match _type_of(schema, value):
        case "object":
            return _object(schema, value, root, depth)
        case "array":
            return _array(schema, value, root, depth)
        case "integer" | "number":
            fits = isinstance(value, (int, float)) and not isinstance(value, bool)
            return value if fits else schema.get("default", schema.get("minimum", 0))
        case "boolean":
            return value if isinstance(value, bool) else schema.get("default", False)
        case "null":
            return None
        case _:
            return value if isinstance(value, str) else schema.get("default", "")


def _object(
    schema: Mapping[str, Any], value: Any, root: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    members = value if isinstance(value, dict) else {}
    properties = schema.get("properties") or {}
    wanted = [] if depth > _DEEPEST else schema.get("required") or []
    return {
        name: conform(each, members.get(name), root, depth + 1)
        for name, each in properties.items()
        if name in members or name in wanted
    }


def _array(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any], depth: int) -> list[Any]:
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return value if isinstance(value, list) else []
    given = value if isinstance(value, list) else []
    missing = max(0, min(_MOST_ITEMS, schema.get("minItems") or 0) - len(given))
    return [conform(items, each, root, depth + 1) for each in (*given, *[None] * missing)]


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        return schema
    found: Any = root
    for step in reference[1:].split("/"):
        if step:
            found = found.get(step, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _fitting(several: list[Any], value: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    schemas = [_resolved(each, root) for each in several if isinstance(each, Mapping)]
    kind = _JSON_TYPES.get(type(value), "")
    fitting = [each for each in schemas if _type_of(each, value) == kind]
    return (fitting or schemas or [{}])[0]


def _type_of(schema: Mapping[str, Any], value: Any) -> str:
    kinds = schema.get("type") or ("object" if "properties" in schema else "string")
    if isinstance(kinds, str):
        return kinds
    kind = _JSON_TYPES.get(type(value), "")
    return kind if kind in kinds and value is not None else str(kinds[0])


_JSON_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}


def _narrowed(request: ChatRequest, choice: Any) -> ChatRequest:
    """Return the request with the tools that may be called."""
    if choice == "none":
        return replace(request, tools=())
    if isinstance(choice, Mapping):
        name = (choice.get("function") or {}).get("name")
        tools = [tool for tool in request.tools if tool["function"]["name"] == name]
        return replace(request, tools=tools)
    return request


def _wanted_schema(form: Any) -> Mapping[str, Any] | None:
    """Return the schema of the wanted answer, empty for any JSON; `None` for a text."""
    if not isinstance(form, Mapping) or form.get("type") not in {"json_object", "json_schema"}:
        return None
    schema = (form.get("json_schema") or {}).get("schema")
    return schema if isinstance(schema, Mapping) else {}


def _has_results(request: ChatRequest) -> bool:
    return request.messages[-1].get("role") == "tool"


def _said(request: ChatRequest) -> str:
    for message in reversed(request.messages):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                return " ".join(str(part.get("text") or "") for part in content)
            return str(content or "")
    return ""
