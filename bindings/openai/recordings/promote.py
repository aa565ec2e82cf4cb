"""A recorded conversation as a model script that people can edit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from bindings.openai.models.base import ToolCall
from bindings.openai.recordings.normalise import Delta, content_text
from bindings.openai.recordings.tree import Exchange, Recording

_FAILED = "The function call failed."


def script_text(recording: Recording) -> str:
    """Return a script with one conversation for each way the recorded ones went."""
    import yaml  # here for start-up cost

    name = recording.scope.name or recording.scope.kind
    assistant = recording.scope.name if recording.scope.kind == "assistant" else "*"
    ways = list(_ways(recording))
    scripts = [
        {
            "name": name if len(ways) == 1 else f"{name}-{number}",
            "assistant": _literal_glob(assistant),
            "turns": [_turn(exchange) for exchange in way],
        }
        for number, way in enumerate(ways, 1)
    ]
    value = {"version": 1, "when_unmatched": "deterministic", "scripts": scripts}
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text


def _ways(recording: Recording) -> Iterator[list[Exchange]]:
    """Yield every way from the beginning of a chat to an end."""
    for exchange in recording.in_order():
        if not recording.children(exchange.id) and not exchange.reply.error:
            way = [exchange]
            while (before := recording.get(way[0].parent)) is not None:
                way.insert(0, before)
            yield way


def _turn(exchange: Exchange) -> dict[str, Any]:
    turn: dict[str, Any] = {}
    results = [each for each in exchange.delta if each.role == "result"]
    said = _said(exchange.delta)
    if results:
        wanted = [
            {each.skill: {"failed": True}} if each.text.startswith(_FAILED) else each.skill
            for each in results
        ]
        turn["result"] = wanted[0] if len(wanted) == 1 else wanted
    else:
        turn["user"] = {"exact": said} if said == "any" else said
    if exchange.reply.text or not exchange.reply.calls:
        turn["says"] = _escaped(exchange.reply.text or "…")
    if exchange.reply.calls:
        turn["calls"] = [{call.name: _arguments(call, said)} for call in exchange.reply.calls]
    return turn


def _said(delta: Delta) -> str:
    """Return what the user said last, in one line as it is compared."""
    for added in reversed(delta):
        if added.role == "user":
            return added.value if isinstance(added.value, str) else content_text(added.value)
    return ""


def _arguments(call: ToolCall, said: str) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(arguments, dict):
        return {}
    return {name: _template(value, said) for name, value in arguments.items()}


def _template(value: Any, said: str) -> Any:
    """Return data whose texts mean themselves, and `{user}` for what the user said."""
    match value:
        case str():
            return "{user}" if said and value == said else _escaped(value)
        case dict():
            return {key: _template(each, said) for key, each in value.items()}
        case list():
            return [_template(each, said) for each in value]
        case _:
            return value


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _literal_glob(name: str) -> str:
    """Return a pattern that fits this name only."""
    if name == "*":
        return name
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def unreachable(recording: Recording) -> Sequence[Exchange]:
    """Return exchanges no chat can get to: what they continue is gone, or never asked for their
    results."""
    found: list[Exchange] = []
    lost: set[str] = set()
    for exchange in recording.in_order():
        before = recording.get(exchange.parent)
        orphan = bool(exchange.parent) and not exchange.parent.startswith("~") and before is None
        results = sum(each.role == "result" for each in exchange.delta)
        calls = len(before.reply.calls) if before is not None else results
        if orphan or exchange.parent in lost or results != calls:
            found.append(exchange)
            lost.add(exchange.id)
    return found
