"""The table: what is said, and which calls it should lead to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bindings.openai.assistants.skills import AssistantSkillTrigger
from tests.support.openai_host import OpenAIHost

_HERE = Path(__file__).parent
APPS = ("assistant", "office")


@dataclass(frozen=True)
class Wanted:
    """A call; a list as an argument means that each of its members is right."""

    skill: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Phrasing:
    """`before` is what was said and called in the turn before, if there was one."""

    say: str
    calls: tuple[Wanted, ...]
    before: tuple[str, tuple[Wanted, ...]] | None = None

    @property
    def is_held_out(self) -> bool:
        return hashlib.sha256(self.say.encode()).digest()[0] % 2 == 1

    def messages(self) -> list[dict[str, Any]]:
        """Return the conversation up to what is said."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": "Help the user."}]
        if self.before is not None:
            said, calls = self.before
            entries = [
                {
                    "id": f"call_{number}",
                    "type": "function",
                    "function": {"name": call.skill, "arguments": json.dumps(call.arguments)},
                }
                for number, call in enumerate(calls)
            ]
            messages.append({"role": "user", "content": said})
            messages.append({"role": "assistant", "content": None, "tool_calls": entries})
            messages += [
                {
                    "role": "tool",
                    "tool_call_id": f"call_{number}",
                    "content": f"Function Name: '{call.skill}' and Function Result: 'fine'",
                }
                for number, call in enumerate(calls)
            ]
            messages.append({"role": "assistant", "content": "There you are."})
        return [*messages, {"role": "user", "content": self.say}]


def phrasings(app: str) -> list[Phrasing]:
    return [_phrasing(entry) for entry in _read(app)["phrasings"]]


def tools(app: str) -> list[Mapping[str, Any]]:
    """Return the skills as a model request offers them, made by the skill trigger itself."""
    host = OpenAIHost()
    for skill in _read(app)["skills"]:
        schema = skill.get("parameters")
        host.skill(
            skill["name"],
            skill["description"],
            parameter=skill.get("parameter") or next(iter(schema["properties"])),
            **({} if schema is None else {"parameterDescriptionJson": json.dumps(schema)}),
        )
    return [binding.tool for binding in host.bound(AssistantSkillTrigger)]


def _read(app: str) -> Any:
    return yaml.safe_load((_HERE / f"{app}.yaml").read_text("utf-8"))


def _phrasing(entry: Mapping[str, Any]) -> Phrasing:
    after = entry.get("after")
    before = None if after is None else (after["say"], _calls(after["calls"]))
    return Phrasing(entry["say"], _calls(entry["calls"]), before)


def _calls(entries: Sequence[Mapping[str, Mapping[str, Any]]]) -> tuple[Wanted, ...]:
    return tuple(
        Wanted(name, {key: _plain(value) for key, value in arguments.items()})
        for entry in entries
        for name, arguments in entry.items()
    )


def _plain(value: Any) -> Any:
    """YAML reads a date where JSON has a text."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
