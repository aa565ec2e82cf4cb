"""Finding the exchange that answers a request, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from bindings.openai.recordings.compare import differences
from bindings.openai.recordings.facets import NAMES, Facets
from bindings.openai.recordings.normalise import Delta, History, canonical, delta_key
from bindings.openai.recordings.store import RecordingStore
from bindings.openai.recordings.tree import (
    Exchange,
    Recording,
    Scope,
    alike_paths,
    said_key,
    shown,
)

_LONGEST = 400
"""Characters of a delta that are compared to find the nearest."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it is looked for."""

    scope: Scope
    function: str
    history: History
    facets: Facets

    @property
    def delta(self) -> Delta:
        return self.history.turns[-1].delta


@dataclass(frozen=True, slots=True)
class Hit:
    """`equal` are all exchanges that answer it equally well, the best first: more than one where
    several replies to one request were kept. `drift` names what is not as recorded."""

    recording: Recording
    equal: tuple[Exchange, ...]
    drift: tuple[str, ...] = ()

    @property
    def exchange(self) -> Exchange:
        return self.equal[0]


@dataclass(frozen=True, slots=True)
class Miss:
    """Why nothing answers a request. `parents` are the exchanges it would continue, `rivals` how
    many recordings fit although only one may."""

    question: Question
    recording: Recording | None = None
    parents: tuple[str, ...] = ()
    nearest: Exchange | None = None
    rivals: int = 0


def find(store: RecordingStore, question: Question, *, only_own: bool = False) -> Hit | Miss:
    """Look for an exchange. With `only_own` the recordings of other scopes are left out: while
    something is recorded, a conversation must not get a reply of another."""
    miss: Miss | None = None
    for group in store.nearest_first(question.scope, question.function):
        if only_own and group[0].scope != question.scope:
            break
        found = _find_in(group, question, opaque=store.rules.opaque)
        if isinstance(found, Hit):
            return found
        if miss is None or _nearer(found, miss):
            miss = found
    return miss or Miss(question)


def _find_in(group: Sequence[Recording], question: Question, *, opaque: bool) -> Hit | Miss:
    places = [(recording, *recording.continues(question.history.turns)) for recording in group]
    best: Hit | None = None
    for recording, parents, jumped in places:
        equal = [each for parent in parents for each in recording.equal(parent, question.delta)]
        hit = _hit(recording, equal, question, ("history",) if jumped else ())
        if hit is not None and (best is None or len(hit.drift) < len(best.drift)):
            best = hit
    if best is not None:
        return best
    alike = _alike(places, question) if opaque else []
    if len({said_key(exchange.reply) for _, exchange, _ in alike}) == 1:
        recording, exchange, drift = alike[0]
        hit = _hit(recording, [exchange], question, drift)
        if hit is not None:
            return hit
    return _miss(places, question, len(alike))


Place = tuple[Recording, list[str], bool]


def _alike(
    places: Sequence[Place], question: Question
) -> list[tuple[Recording, Exchange, tuple[str, ...]]]:
    """Return the exchanges whose results differ only as every run differs."""
    found = []
    for recording, parents, jumped in places:
        for parent in parents:
            for exchange in recording.children(parent):
                paths = alike_paths(exchange.delta, question.delta)
                if paths is not None:
                    drift = [f"result:{path}" for path in paths]
                    found.append(
                        (recording, exchange, (*drift, "history") if jumped else tuple(drift))
                    )
    return found


def _hit(
    recording: Recording, equal: Sequence[Exchange], question: Question, drift: tuple[str, ...]
) -> Hit | None:
    if not equal:
        return None
    keys = question.facets.keys
    ordered = sorted(equal, key=lambda each: len(drifted(each.facets, keys)))
    facets = drifted(ordered[0].facets, keys)
    return Hit(recording, tuple(ordered), (*drift, *facets))


def drifted(recorded: Mapping[str, str], actual: Mapping[str, str]) -> list[str]:
    """Return the names of the facets that are others than when it was recorded."""
    return [name for name in NAMES if recorded.get(name) != actual.get(name)]


def _miss(places: Sequence[Place], question: Question, rivals: int) -> Miss:
    """Look for the exchange that is most like the request: below the same parent if there is one,
    else anywhere."""
    best: tuple[float, Recording, Exchange, tuple[str, ...]] | None = None
    wanted = delta_key(question.delta)[:_LONGEST]
    rooted = any(parents for _, parents, _ in places)
    for recording, parents, _ in places:
        candidates = (
            [each for parent in parents for each in recording.children(parent)]
            if rooted
            else list(recording)
        )
        for exchange in candidates:
            likeness = SequenceMatcher(
                None, wanted, delta_key(exchange.delta)[:_LONGEST]
            ).quick_ratio()
            if best is None or likeness > best[0]:
                best = (likeness, recording, exchange, tuple(parents))
    if best is None:
        recording, parents, _ = next((each for each in places if each[1]), places[0])
        return Miss(question, recording, tuple(parents), None, rivals)
    return Miss(question, best[1], best[3], best[2], rivals)


def _nearer(one: Miss, other: Miss) -> bool:
    """Whether the first explains more: it knows the chat so far, and the other does not."""
    return bool(one.parents and one.nearest) and not (other.parents and other.nearest)


def explain(miss: Miss, folder: Path) -> str:
    """Say what was asked, what comes nearest, and where they part."""
    question = miss.question
    asked = ", ".join(shown(each) for each in question.delta)[:300] or "an empty request"
    answered = len(question.history.turns) - 1
    at = f"reply {answered + 1} of the chat" if answered else "the first reply of the chat"
    who = _who(question)
    text = f"Nothing recorded in {folder.name} answers {asked} ({at}{who})."
    if miss.rivals > 1:
        return f"{text} {miss.rivals} recordings differ from it only in ids and times."
    if answered and not miss.parents:
        text += " What the model said before in this chat is not in the recordings either."
    if miss.nearest is None or miss.recording is None:
        return text
    place = f"{folder.name}/{_file(miss.recording)}, exchange {miss.nearest.id}"
    return f"{text} Nearest: {place}; {_first_difference(miss.nearest.delta, question.delta)}."


def _who(question: Question) -> str:
    if question.scope.kind == "assistant":
        return f", assistant '{question.scope.name}'"
    return f", function '{question.function}'" if question.function else ""


def _file(recording: Recording) -> str:
    from bindings.openai.recordings.files import file_name

    return file_name(recording.scope)


def _first_difference(recorded: Delta, actual: Delta) -> str:
    for one, other in zip(recorded, actual, strict=False):
        if one.role != other.role or one.skill.lower() != other.skill.lower():
            return f"recorded was {shown(one)[:120]}, now it is {shown(other)[:120]}"
        if one.value == other.value:
            continue
        if one.role == "result":
            for difference in differences(one.value, other.value):
                if not difference.opaque:
                    return (
                        f"the result of '{one.skill}' differs at {difference.path}: recorded "
                        f"{_short(difference.recorded)}, now {_short(difference.actual)}"
                    )
        return f"recorded was {shown(one)[:120]}, now it is {shown(other)[:120]}"
    if len(recorded) != len(actual):
        return f"recorded were {len(recorded)} messages, now there are {len(actual)}"
    return "it was recorded after another beginning of the chat"


def _short(value: object) -> str:
    text = "nothing" if value is None else canonical(value)
    return f"{text[:80]}…" if len(text) > 80 else text
