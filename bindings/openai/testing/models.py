"""The models of a test: they say what the test wrote, and keep what they were asked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.base import (
    ChatReply,
    ChatRequest,
    ModelBackend,
    ToolCall,
    Usage,
    estimate_usage,
)
from bindings.openai.models.embedding import EmbeddingBackend, EmbeddingReply, EmbeddingRequest
from bindings.openai.models.retrying import RetryPolicy, with_retries
from bindings.openai.testing.asked import (
    ModelRequest,
    Pattern,
    last_calls,
    of_chat,
    of_embeddings,
)
from bindings.openai.testing.turns import Failure, Reply, SkillCall, Turn, arguments_of, shown
from bindings.openai.testing.vectors import VectorTurn
from emulator.sdk import BindingError, Clock
from emulator.testing import Complaint, EmulatedApp

_UNEXPECTED = "model-call-unexpected"


@dataclass(slots=True)
class _Open:
    """A message whose answer goes on after the results of skills."""

    turn: Turn
    replies: list[Reply]
    at: int


class Models:
    """The models of one app under test, or of several.

        models = Models(app)
        models.on("remind me").calls("AddTodo", "buy milk").then_says("Done.")

    As long as nothing is written and nothing forbidden, the app's own models answer: a model
    script, else the offline model. As soon as a turn is written, every request must be one that
    was expected, or the app is told so and the test fails at its end. The fixture `models` is one
    for the apps of the fixtures, and expects from the start.
    """

    def __init__(self, app: EmulatedApp | None = None, *, expects: bool = False) -> None:
        """Serve an app that is open; more can be attached. `expects` refuses requests also while
        no turn is written."""
        self.requests: list[ModelRequest] = []
        """Every request so far, with the reply it got; the oldest first."""
        self.expects = expects
        self._turns: list[Turn] = []
        self._vectors: list[VectorTurn] = []
        self._open: dict[str, _Open] = {}
        self._unexpected: list[str] = []
        self._otherwise_answers = False
        self._attached: list[tuple[EmulatedApp, Callable[[], None]]] = []
        if app is not None:
            self.attach(app)

    # Writing

    def on(
        self, pattern: Pattern = None, /, *, assistant: str = "*", function: str | None = None
    ) -> Turn:
        """Begin a turn for messages that fit `pattern`: a text they contain (in any case), a
        compiled regular expression, or a function of the `ModelRequest`; without one, for all.

        `assistant` is a glob on the assistant's id, `function` the name of the function that asks.
        The first turn written that fits and is not used up answers.
        """
        turn = Turn(pattern, assistant=assistant, function=function, place=_caller())
        self._turns.append(turn)
        return turn

    def on_embedding(self, pattern: Pattern = None, /) -> VectorTurn:
        """Begin what texts that fit have for a vector: `.returns([0.1, 0.2])`.

        Without any, vectors are made of the words of the texts, the same every time.
        """
        turn = VectorTurn(pattern, _caller())
        self._vectors.append(turn)
        return turn

    def offline(self) -> None:
        """Let the app's own script, or the offline model, answer what no turn does."""
        self._otherwise_answers = True

    def reset(self) -> None:
        """Forget the turns and the requests."""
        self.requests.clear()
        self._turns.clear()
        self._vectors.clear()
        self._open.clear()
        self._unexpected.clear()

    # Serving

    def attach(self, app: EmulatedApp) -> None:
        """Serve an app that is open, until it is closed or `detach`ed. One that uses no model is
        left alone."""
        extension = app.extension(OpenAIExtension)
        if extension is not None:
            extension.models.stand_in = _StandIn(self, extension.host.clock, app)
        self._attached.append((app, app.add_check(self.complaints)))

    def detach(self, app: EmulatedApp) -> None:
        """Let the app have its own models again."""
        for entry in [each for each in self._attached if each[0] is app]:
            self._attached.remove(entry)
            entry[1]()
        extension = app.extension(OpenAIExtension)
        if extension is not None:
            extension.models.stand_in = None

    def complaints(self) -> Iterator[Complaint]:
        """Yield what went wrong unnoticed: requests nobody expected, turns nobody asked for."""
        for each in self._unexpected:
            yield Complaint(each, "Write a turn for it, or call models.offline().")
        turns: list[Turn | VectorTurn] = [*self._turns, *self._vectors]
        for unused in (each.unused() for each in turns):
            if unused is not None:
                yield Complaint(f"{unused}.", "Remove it, or add .optional().")

    @property
    def is_scripted(self) -> bool:
        return self.expects or bool(self._turns)

    def reply_to(self, request: ModelRequest, *, lenient: bool) -> tuple[str, _Open] | None:
        """Find what answers a request: the turn's name and where in it; `None` leaves it to the
        app's own model. Raises `BindingError` for what nobody expected."""
        if request.continues:
            known = [
                self._open[call.id]
                for call in last_calls(request.messages)
                if call.id in self._open
            ]
            if known:
                return self._go_on(known[0], request)
        else:
            turn = next((each for each in self._turns if each.fits(request)), None)
            if turn is not None:
                return str(turn), _Open(turn, turn.take(), 0)
        if self._otherwise_answers or lenient:
            return None
        raise self._refusal(request)

    def _go_on(self, found: _Open, request: ModelRequest) -> tuple[str, _Open]:
        at = found.at + 1
        if at >= len(found.replies):
            text = f"The model got {request}, but {found.turn} ends there: add .then_says(…)"
            raise self._unexpected_error(text)
        return str(found.turn), _Open(found.turn, found.replies, at)

    def _refusal(self, request: ModelRequest) -> BindingError:
        tried = f" Written are: {shown(self._turns)}." if self._turns else " No turn is written."
        return self._unexpected_error(
            f"The model was asked {request}, which no turn answers.{tried}"
        )

    def _unexpected_error(self, text: str) -> BindingError:
        self._unexpected.append(text)
        return BindingError(text, hint="Write models.on(…).says(…).", code=_UNEXPECTED)

    def remember(self, calls: Sequence[ToolCall], place: _Open) -> None:
        for call in calls:
            self._open[call.id] = place

    def next_call_id(self) -> str:
        return f"call_test_{len(self._open) + 1}"

    def vector_for(self, text: str, request: ModelRequest) -> VectorTurn | None:
        return next((each for each in self._vectors if each.fits(text, request)), None)

    @property
    def gives_vectors(self) -> bool:
        return bool(self._vectors)

    def refuse_text(self, text: str) -> BindingError:
        return self._unexpected_error(
            f"The model was asked for the vector of {text[:80]!r}, which nothing of "
            f"models.on_embedding(…) fits."
        )


class _StandIn:
    """What the package's bindings ask instead of a model."""

    def __init__(self, models: Models, clock: Clock, app: EmulatedApp) -> None:
        self._models = models
        self._clock = clock
        self._app = app

    def chat_model(self, otherwise: Callable[[], ModelBackend]) -> ModelBackend | None:
        return _ChatModel(self._models, self._clock, self._app, otherwise)

    def embeddings_model(
        self, otherwise: Callable[[], EmbeddingBackend]
    ) -> EmbeddingBackend | None:
        return _VectorModel(self._models, self._clock, otherwise)


class _ChatModel:
    name = "test"

    def __init__(
        self,
        models: Models,
        clock: Clock,
        app: EmulatedApp,
        otherwise: Callable[[], ModelBackend],
    ) -> None:
        self._models = models
        self._clock = clock
        self._app = app
        self._otherwise = otherwise

    async def chat(self, request: ChatRequest) -> ChatReply:
        seen = of_chat(request)
        self._models.requests.append(seen)
        try:
            reply = await self._reply(request, seen)
        except BindingError as error:
            seen.error = error.message
            raise
        seen.reply, seen.calls = reply.content, tuple(call.name for call in reply.tool_calls)
        return reply

    async def _reply(self, request: ChatRequest, seen: ModelRequest) -> ChatReply:
        lenient = not self._models.is_scripted or not self._app.strict
        found = self._models.reply_to(seen, lenient=lenient)
        if found is None:
            seen.attempts += 1
            return await self._otherwise().chat(request)
        turn, place = found
        wanted = place.replies[place.at]
        await _suffer(wanted.failures, wanted.latency, seen, clock=self._clock, tell=request.tell)
        calls = tuple(self._call(each, request, turn, place) for each in wanted.calls)
        says = wanted.says(seen) if callable(wanted.says) else wanted.says or ""
        text = says + "".join(call.name + call.arguments for call in calls)
        return ChatReply(
            says, calls, "tool_calls" if calls else "stop", estimate_usage(request, text)
        )

    def _call(self, wanted: SkillCall, request: ChatRequest, turn: str, place: _Open) -> ToolCall:
        name, arguments = arguments_of(wanted, request, turn)
        call = ToolCall(self._models.next_call_id(), name, arguments)
        self._models.remember([call], place)
        return call

    async def aclose(self) -> None:
        """Nothing is held; the app's own models are closed by who made them."""


class _VectorModel:
    name = "test"

    def __init__(
        self, models: Models, clock: Clock, otherwise: Callable[[], EmbeddingBackend]
    ) -> None:
        self._models = models
        self._clock = clock
        self._otherwise = otherwise

    async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
        seen = of_embeddings(request)
        self._models.requests.append(seen)
        if not self._models.gives_vectors:
            seen.attempts += 1
            return await self._otherwise().embed(request)
        try:
            vectors = [await self._vector(text, request, seen) for text in request.texts]
        except BindingError as error:
            seen.error = error.message
            raise
        tokens = sum(max(1, len(text) // 4) for text in request.texts)
        return EmbeddingReply(tuple(vectors), request.model, Usage(total=tokens, prompt=tokens))

    async def _vector(self, text: str, request: EmbeddingRequest, seen: ModelRequest) -> Any:
        turn = self._models.vector_for(text, seen)
        if turn is None or (turn.vector is None and not turn.failures):
            raise self._models.refuse_text(text)
        turn.used += 1
        await _suffer(turn.failures, 0.0, seen, clock=self._clock, tell=request.tell)
        if turn.vector is None:
            raise self._models.refuse_text(text)
        return turn.vector


async def _suffer(
    failures: Sequence[Failure],
    latency: float,
    seen: ModelRequest,
    *,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Go through what is wrong before a reply, attempt by attempt, as with a service."""
    ahead = list(_errors(failures))

    async def attempt() -> None:
        seen.attempts += 1
        if latency:
            await clock.sleep(latency)
        for failure in ahead:
            if failure.times is None:
                raise failure.error()
            if failure.times > 0:
                failure.times -= 1
                raise failure.error()

    await with_retries(attempt, policy=RetryPolicy(), clock=_Impatient(clock), tell=tell)


def _errors(failures: Sequence[Failure]) -> Iterator[Failure]:
    for each in failures:
        yield Failure(each.status, each.times, each.retry_after, each.message)


class _Impatient:
    """A clock that never waits, for the pauses between attempts."""

    def __init__(self, clock: Clock) -> None:
        self.now = clock.now
        self.monotonic = clock.monotonic

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def _caller() -> str:
    """Return the line of the test that writes a turn."""
    frame = sys._getframe(2)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
