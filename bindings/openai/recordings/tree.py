"""A recording: exchanges with a model as a tree, each under the one it continues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bindings.openai.models.base import ToolCall, Usage
from bindings.openai.recordings.compare import differences
from bindings.openai.recordings.facets import Facets
from bindings.openai.recordings.normalise import (
    Added,
    Delta,
    Spoken,
    Turn,
    delta_key,
    digest,
    reply_key,
)

ROOT = ""

_UNIQUE_ID = 12
"""Characters from which an id of a call is taken to be random, and to name its exchange."""

ScopeKind = Literal["assistant", "function", "requests"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose exchanges a recording holds: an assistant's, a function's, or the app's own."""

    kind: ScopeKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. `error` is set for a refusal that was kept on request."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()
    error: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply. `parent` is the exchange it continues: an id, empty at the
    beginning of a chat, or `~` and a digest of a history that was not recorded."""

    id: str
    parent: str
    delta: Delta
    reply: Reply
    facets: Mapping[str, str]
    seconds: float = 0.0


class Recording:
    """The exchanges of one scope, with ways to find them."""

    def __init__(self, scope: Scope, *, function: str = "") -> None:
        self.scope = scope
        self.function = function
        self.facets: dict[str, dict[str, Any]] = {}
        """By facet and digest: the values the exchanges refer to."""
        self._exchanges: dict[str, Exchange] = {}
        self._children: dict[str, dict[str, list[str]]] = {}
        self._by_call: dict[str, list[str]] = {}
        self._said: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._exchanges.values())

    def get(self, identity: str) -> Exchange | None:
        return self._exchanges.get(identity)

    def add(self, exchange: Exchange) -> None:
        """Put an exchange in, in place of the one of the same id."""
        if exchange.id in self._exchanges:
            self._forget(exchange.id)
        self._exchanges[exchange.id] = exchange
        siblings = self._children.setdefault(exchange.parent, {})
        siblings.setdefault(delta_key(exchange.delta), []).append(exchange.id)
        for call in exchange.reply.calls:
            self._by_call.setdefault(call.id, []).append(exchange.id)
        self._said[exchange.id] = said_key(exchange.reply)

    def remember(self, facets: Facets) -> None:
        """Keep the values of a request's facets."""
        for name, value in facets.values.items():
            self.facets.setdefault(name, {}).setdefault(facets.keys[name], value)

    def remove_below(self, identity: str) -> list[str]:
        """Take out what continues an exchange; return the ids."""
        gone: list[str] = []
        for ids in list(self._children.get(identity, {}).values()):
            for each in list(ids):
                gone += [*self.remove_below(each), each]
                self._forget(each)
        return gone

    def remove(self, identity: str) -> None:
        """Take out an exchange; what continues it stays."""
        self._forget(identity)

    def children(self, parent: str) -> list[Exchange]:
        return [
            self._exchanges[each] for ids in self._children.get(parent, {}).values() for each in ids
        ]

    def equal(self, parent: str, delta: Delta) -> list[Exchange]:
        """Return the exchanges below `parent` whose delta is the same."""
        ids = self._children.get(parent, {}).get(delta_key(delta), ())
        return [self._exchanges[each] for each in ids]

    def asked_by(self, call_id: str) -> list[Exchange]:
        """Return the exchanges whose reply made the call of this id."""
        return [self._exchanges[each] for each in self._by_call.get(call_id, ())]

    def new_id(self, parent: str, delta: Delta) -> str:
        """Return an id that depends on nothing but what the exchange is about."""
        base = digest(f"{parent}\n{delta_key(delta)}")
        count = 1
        while (identity := base if count == 1 else f"{base}-{count}") in self._exchanges:
            count += 1
        return identity

    def continues(self, turns: Sequence[Turn]) -> tuple[list[str], bool]:
        """Find the exchanges that a chat's last turn may continue, nearest first.

        `turns` are all turns of the chat. The second value says that the beginning of the chat
        is not the recorded one, but a call id names the exchange all the same.
        """
        answered = turns[:-1]
        found = self._follow([ROOT], answered)
        if found:
            return found, False
        for at in range(len(answered) - 1, -1, -1):
            named = self._named(answered[at].said)
            if named:
                return self._follow(named, answered[at + 1 :]), True
        past = f"~{history_digest(answered)}"
        return ([past] if past in self._children else []), False

    def in_order(self) -> list[Exchange]:
        """Return all exchanges, each before those that continue it, beginnings first."""
        known = self._exchanges
        starts = {parent for parent in self._children if parent not in known}
        ordered: list[Exchange] = []
        ahead = [each for parent in sorted(starts, reverse=True) for each in self._sorted(parent)]
        while ahead:
            exchange = ahead.pop()
            ordered.append(exchange)
            ahead.extend(self._sorted(exchange.id))
        return ordered

    def used_facets(self) -> dict[str, dict[str, Any]]:
        """Return the facets some exchange refers to, in a fixed order."""
        used = {(name, key) for each in self for name, key in each.facets.items()}
        return {
            name: {key: values[key] for key in sorted(values) if (name, key) in used}
            for name, values in sorted(self.facets.items())
            if any((name, key) in used for key in values)
        }

    def _sorted(self, parent: str) -> list[Exchange]:
        children = self.children(parent)
        return sorted(children, key=lambda each: (delta_key(each.delta), each.id), reverse=True)

    def _follow(self, cursor: list[str], turns: Iterable[Turn]) -> list[str]:
        for turn in turns:
            cursor = self._step(cursor, turn)
            if not cursor:
                break
        return cursor

    def _step(self, cursor: Sequence[str], turn: Turn) -> list[str]:
        """Return the exchanges in which the model was asked and said the same."""
        assert turn.said is not None
        found: list[str] = []
        for parent in cursor:
            found += self._answered(self.equal(parent, turn.delta), turn.said)
        if found:
            return found
        for parent in cursor:
            candidates = [
                each for each in self.children(parent) if is_alike(each.delta, turn.delta)
            ]
            found += self._answered(candidates, turn.said)
        return found

    def _answered(self, candidates: Sequence[Exchange], said: Spoken) -> list[str]:
        """Return those that answered this; first the one whose very reply it is."""
        ids = [call.id for call in said.calls]
        exact = [
            each.id for each in candidates if ids and ids == [call.id for call in each.reply.calls]
        ]
        key = reply_key(said.text, said.calls)
        return exact + [
            each.id for each in candidates if each.id not in exact and self._said[each.id] == key
        ]

    def _named(self, said: Spoken | None) -> list[str]:
        if said is None or not said.calls:
            return []
        first = said.calls[0].id
        owners = self._by_call.get(first, [])
        return list(owners) if len(owners) == 1 and len(first) >= _UNIQUE_ID else []

    def _forget(self, identity: str) -> None:
        exchange = self._exchanges.pop(identity)
        del self._said[identity]
        siblings = self._children[exchange.parent]
        key = delta_key(exchange.delta)
        siblings[key].remove(identity)
        if not siblings[key]:
            del siblings[key]
        if not siblings:
            del self._children[exchange.parent]
        for call in exchange.reply.calls:
            self._by_call[call.id].remove(identity)


def is_alike(recorded: Delta, actual: Delta) -> bool:
    """Whether two deltas are the same but for ids and times in results."""
    return alike_paths(recorded, actual) is not None


def alike_paths(recorded: Delta, actual: Delta) -> tuple[str, ...] | None:
    """Return where results differ only as every run differs; `None` when they differ in more."""
    if len(recorded) != len(actual):
        return None
    paths: list[str] = []
    for one, other in zip(recorded, actual, strict=True):
        if one.role != other.role or one.skill.lower() != other.skill.lower():
            return None
        if one.role != "result":
            if one.value != other.value:
                return None
            continue
        for difference in differences(one.value, other.value):
            if not difference.opaque:
                return None
            paths.append(f"{one.skill} {difference.path}")
    return tuple(paths)


def history_digest(turns: Iterable[Turn]) -> str:
    """Name a history by what was said in it, whatever the ids of its calls are."""
    lines = []
    for turn in turns:
        lines.append(delta_key(turn.delta))
        if turn.said is not None:
            lines.append(reply_key(turn.said.text, turn.said.calls))
    return digest("\n".join(lines))


def with_call_ids(reply: Reply, exchange_id: str) -> Reply:
    """Give calls without id, or with one that is used twice, one of their own: some servers send
    such, and the next request names the exchange by it."""
    seen: set[str] = set()
    calls = []
    for index, call in enumerate(reply.calls):
        identity = call.id
        if not identity or identity in seen:
            identity = f"call_{digest(f'{exchange_id}/{index}', 24)}"
        seen.add(identity)
        calls.append(ToolCall(identity, call.name, call.arguments))
    return replace(reply, calls=tuple(calls))


def said_key(reply: Reply) -> str:
    """Return what a reply says and asks for, as text that can be compared."""
    return reply_key(" ".join(reply.text.split()), reply.calls)


def shown(added: Added) -> str:
    """Return a delta's part for people."""
    if added.role == "result":
        return f"the result of '{added.skill}'"
    return f'"{added.text or added.value}"'
