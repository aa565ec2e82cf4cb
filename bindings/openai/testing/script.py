"""What a test wrote for its models, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bindings.openai.models.base import ToolCall
from bindings.openai.testing.asked import ModelRequest, last_calls
from bindings.openai.testing.turns import Reply, Turn
from bindings.openai.testing.vectors import VectorTurn
from emulator.sdk import BindingError


@dataclass(slots=True)
class Place:
    """Where in a turn a conversation is: the reply that is due."""

    turn: Turn
    replies: Sequence[Reply]
    at: int = 0

    @property
    def reply(self) -> Reply:
        return self.replies[self.at]


class Script:
    """Turns in the order they were written, and the requests so far.

    `expects` refuses requests that no turn answers also while there is no turn.
    """

    def __init__(self, *, expects: bool) -> None:
        self.requests: list[ModelRequest] = []
        self.turns: list[Turn] = []
        self.vectors: list[VectorTurn] = []
        self.leaves_the_rest = False
        """Whether the app's own models answer what no turn does."""
        self._expects = expects
        self._open: dict[str, Place] = {}
        """By the id of a call the model asked for: what it is part of."""
        self.unexpected: list[str] = []

    def clear(self) -> None:
        for each in (self.requests, self.turns, self.vectors, self.unexpected):
            each.clear()
        self._open.clear()

    def place_of(self, request: ModelRequest, *, lenient: bool) -> Place | None:
        """Find what answers a request; `None` leaves it to the app's own model. Raises
        `BindingError` for what nobody expected."""
        found = self._continued(request) if request.continues else self._begun(request)
        if found is not None:
            return found
        if lenient or self.leaves_the_rest or not (self._expects or self.turns):
            return None
        said = next((each for each in self.turns if each.would_fit(request)), None)
        if said is not None:
            raise self.refusal(
                f"The model was asked {request}, and {said} has said all it has: add "
                ".then_says(…), .times(…) or .always()"
            )
        written = ", ".join(map(str, self.turns))
        tried = f"Written are: {written}." if written else "No turn is written."
        raise self.refusal(f"The model was asked {request}, which no turn answers. {tried}")

    def _begun(self, request: ModelRequest) -> Place | None:
        turn = next((each for each in self.turns if each.fits(request)), None)
        return None if turn is None else Place(turn, turn.take())

    def _continued(self, request: ModelRequest) -> Place | None:
        ids = [call.id for call in last_calls(request.messages)]
        before = next((self._open[each] for each in ids if each in self._open), None)
        if before is None:
            return None
        if before.at + 1 >= len(before.replies):
            text = f"The model got {request}, but {before.turn} ends there: add .then_says(…)"
            raise self.refusal(text)
        return Place(before.turn, before.replies, before.at + 1)

    def call(self, name: str, arguments: str, place: Place) -> ToolCall:
        """Make a call the model asks for, by whose id the conversation is found again."""
        made = ToolCall(f"call_test_{len(self._open) + 1}", name, arguments)
        self._open[made.id] = place
        return made

    def vector_of(self, text: str, request: ModelRequest) -> VectorTurn:
        """Find what a text has for a vector; raises `BindingError` when nobody said."""
        turn = next((each for each in self.vectors if each.fits(text, request)), None)
        if turn is None:
            raise self.refusal(
                f"The model was asked for the vector of {text[:80]!r}, which nothing of "
                "models.on_embedding(…) fits."
            )
        return turn

    def refusal(self, text: str) -> BindingError:
        """Take note of what nobody expected, and return what the app is told."""
        self.unexpected.append(text)
        return BindingError(text, hint="Write models.on(…).says(…).", code="model-call-unexpected")

    def unused(self) -> Iterator[str]:
        """Say what was written and not asked for."""
        turns: list[Turn | VectorTurn] = [*self.turns, *self.vectors]
        for told in (each.unused() for each in turns):
            if told is not None:
                yield told
