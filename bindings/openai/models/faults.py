"""Trouble on request: what a model service does on a bad day, at once and every time the same.

faults:
  - {match: {contains: slow}, latency: 800ms, tokens_per_second: 20}
  - {every: 5, status: 429, retry_after: 2s}
  - {times: 1, status: 503}
  - {assistant: "a*", content_filter: prompt}    # or reply: an answer that was cut out
  - {truncate_arguments: 10}                     # arguments that are no JSON, at a token limit
  - {times: 1, cut_stream_after: 3}              # the connection breaks, in a stream after 3 parts
  - {limit: {tokens: 1000, requests: 10, per: 1m}}

Several that fire for one request work together. They stand in a model script, or come from a test.
"""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from bindings.openai.models.base import (
    ChatReply,
    ChatRequest,
    ModelBackend,
    ToolCall,
    estimate_usage,
)
from bindings.openai.models.retrying import RetryPolicy, ServiceError, with_retries
from bindings.openai.models.yamlnodes import Node, NodeReader, TextMatch, read_nodes
from emulator.sdk import Clock

_MEMBERS = {
    "match",
    "assistant",
    "every",
    "times",
    "latency",
    "ttft",
    "tokens_per_second",
    "status",
    "code",
    "retry_after",
    "cut_stream_after",
    "content_filter",
    "truncate_arguments",
    "limit",
}

FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management "
    "policy. Please modify your prompt and retry."
)
_CODES = {401: "401", 404: "DeploymentNotFound", 429: "429", 500: "500", 503: "503"}


@dataclass(frozen=True, slots=True)
class Window:
    """How many tokens and requests a service takes in `seconds`."""

    seconds: float
    tokens: int | None = None
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Trouble the service has: from time to time (`every`), at first (`times`), or always.

    `where` says who asked for it. `cut_after` are the parts of a stream that still arrive.
    """

    where: str = "a test"
    match: TextMatch = TextMatch()
    assistant: str = "*"
    every: int | None = None
    times: int | None = None
    latency: float = 0.0
    tokens_per_second: float | None = None
    status: int | None = None
    code: str = ""
    retry_after: float | None = None
    cut_after: int | None = None
    content_filter: Literal["prompt", "reply"] | None = None
    truncate_arguments: int | None = None
    limit: Window | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to one request."""

    latency: float = 0.0
    tokens_per_second: float | None = None
    error: ServiceError | None = None
    cut_after: int | None = None
    cut_by: str = ""
    content_filter: bool = False
    truncate_arguments: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """What a service tells about its limits."""

    def spoiled(self, reply: ChatReply) -> ChatReply:
        """Return the reply as it arrives."""
        if self.content_filter:
            return replace(reply, content="", tool_calls=(), finish_reason="content_filter", raw={})
        cut = self.truncate_arguments
        if cut is not None and reply.tool_calls:
            calls = tuple(
                ToolCall(call.id, call.name, call.arguments[:cut]) for call in reply.tool_calls
            )
            return replace(reply, tool_calls=calls, finish_reason="length", raw={})
        return reply


NO_EFFECT = Effect()


class FaultPlan:
    """The faults in force: those of a script, and those that tests add."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._added: list[Fault] = []
        self._seen: dict[int, tuple[Fault, int]] = {}
        """By identity, so that two equal faults count for themselves."""
        self._used: dict[int, deque[tuple[float, int]]] = {}

    @property
    def added(self) -> Sequence[Fault]:
        return tuple(self._added)

    def add(self, *faults: Fault) -> None:
        """Let faults happen from now on, until `clear`."""
        # Copies, for the same fault may be added twice.
        self._added.extend(replace(fault) for fault in faults)

    def clear(self) -> None:
        self._added.clear()
        self._seen.clear()
        self._used.clear()

    @contextmanager
    def during(self, *faults: Fault) -> Iterator[None]:
        """Let faults happen for the block: for single tests."""
        before = list(self._added)
        self.add(*faults)
        try:
            yield
        finally:
            self._added = before

    def effect(self, request: ChatRequest, scripted: Sequence[Fault] = ()) -> Effect:
        """Return what happens to this request; each call of this counts as one attempt."""
        if not self._added and not scripted:
            return NO_EFFECT
        said = _last_user(request)
        result = NO_EFFECT
        for fault in (*self._added, *scripted):
            if not fnmatch.fnmatchcase(request.assistant, fault.assistant):
                continue
            if fault.match.match(said) is None or not self._is_due(fault):
                continue
            result = self._with(result, fault, request)
        return result

    def _is_due(self, fault: Fault) -> bool:
        known, seen = self._seen.get(id(fault), (fault, 0))
        seen = seen + 1 if known is fault else 1
        self._seen[id(fault)] = (fault, seen)  # kept alive, so that its identity stays its own
        if fault.times is not None and seen > fault.times:
            return False
        return fault.every is None or seen % fault.every == 0

    def _with(self, effect: Effect, fault: Fault, request: ChatRequest) -> Effect:
        changes: dict[str, Any] = {"latency": effect.latency + fault.latency}
        if fault.tokens_per_second:
            changes["tokens_per_second"] = min(
                fault.tokens_per_second, effect.tokens_per_second or fault.tokens_per_second
            )
        if fault.cut_after is not None:
            changes["cut_after"], changes["cut_by"] = fault.cut_after, fault.where
        if fault.truncate_arguments is not None:
            changes["truncate_arguments"] = fault.truncate_arguments
        if fault.content_filter == "reply":
            changes["content_filter"] = True
        error = _refusal(fault)
        if fault.limit is not None:
            over, changes["headers"] = self._charge(fault, fault.limit, request)
            error = error or over
        if effect.error is None and error is not None:
            changes["error"] = error
        return replace(effect, **changes)

    def _charge(
        self, fault: Fault, window: Window, request: ChatRequest
    ) -> tuple[ServiceError | None, dict[str, str]]:
        """Count a request; as services do, the tokens it may take are charged in advance."""
        now = self._clock.monotonic()
        used = self._used.setdefault(id(fault), deque())
        while used and used[0][0] <= now - window.seconds:
            used.popleft()
        tokens = estimate_usage(request, "").prompt + (request.max_tokens or 16)
        taken = sum(count for _, count in used)
        left = {
            "tokens": None if window.tokens is None else window.tokens - taken - tokens,
            "requests": None if window.requests is None else window.requests - len(used) - 1,
        }
        headers: dict[str, str] = {}
        for name, limit in (("tokens", window.tokens), ("requests", window.requests)):
            if limit is not None:
                headers[f"x-ratelimit-limit-{name}"] = str(limit)
                headers[f"x-ratelimit-remaining-{name}"] = str(max(0, left[name] or 0))
        over = [name for name, each in left.items() if each is not None and each < 0]
        if not over:
            used.append((now, tokens))
            return None, headers
        wait = (used[0][0] + window.seconds - now) if used else window.seconds
        error = ServiceError(
            f"The model service answered 429: the limit of {over[0]} per {window.seconds:g} s is "
            f"exceeded. Please retry after {wait:g} seconds (as {fault.where} asks).",
            status=429,
            retry_after=wait,
            reason="429",
        )
        return error, headers


class FaultyBackend:
    """Lets a model have its bad days; tries again as with a service."""

    def __init__(
        self,
        inner: ModelBackend,
        plan: FaultPlan,
        *,
        policy: RetryPolicy,
        clock: Clock,
        scripted: Callable[[], Sequence[Fault]] = tuple,
    ) -> None:
        self.name = inner.name
        self.inner = inner
        self._plan = plan
        self._policy = policy
        self._clock = clock
        self._scripted = scripted

    async def chat(self, request: ChatRequest) -> ChatReply:
        async def attempt() -> Effect:
            effect = self.effect(request)
            if effect.latency:
                await self._clock.sleep(effect.latency)
            if effect.error is not None:
                raise effect.error
            if effect.cut_after is not None:
                raise ServiceError(
                    f"The connection to the model service broke (as {effect.cut_by} asks)."
                )
            return effect

        effect = await with_retries(
            attempt, policy=self._policy, clock=self._clock, tell=request.tell
        )
        reply = effect.spoiled(await self.inner.chat(request))
        if effect.tokens_per_second:
            await self._clock.sleep(reply.usage.completion / effect.tokens_per_second)
        return reply

    def effect(self, request: ChatRequest) -> Effect:
        """Return what happens to a request, for whoever answers it in his own way."""
        return self._plan.effect(request, self._scripted())

    async def aclose(self) -> None:
        await self.inner.aclose()


def parse_faults(text: str, source: str) -> list[Fault]:
    """Read one fault, or a list of them, from YAML or JSON; raise `BindingError`."""
    node = read_nodes(text, source)
    nodes = node.value if isinstance(node.value, list) else [node]
    return [read_fault(each, source) for each in nodes]


def read_fault(node: Node, file: str) -> Fault:
    read = NodeReader(file)
    members = read.members(node, "a fault", _MEMBERS)
    latency = members.get("latency") or members.get("ttft")
    fault = Fault(
        f"{file}:{node.line}",
        read.match(members["match"]) if "match" in members else TextMatch(),
        read.text(members.get("assistant"), "assistant", "*"),
        read.count(members.get("every"), "every"),
        read.count(members.get("times"), "times"),
        0.0 if latency is None else read.seconds(latency),
        _speed(read, members.get("tokens_per_second")),
        _status(read, members.get("status")),
        read.text(members.get("code"), "code", ""),
        read.seconds(members["retry_after"]) if "retry_after" in members else None,
        _number(read, members.get("cut_stream_after"), "cut_stream_after"),
        _filter(read, members.get("content_filter")),
        _number(read, members.get("truncate_arguments"), "truncate_arguments"),
        _window(read, members.get("limit")),
    )
    if replace(fault, where="", match=TextMatch(), assistant="*", every=None, times=None) == Fault(
        "", retry_after=fault.retry_after, code=fault.code
    ):
        effects = sorted(_MEMBERS - {"match", "assistant", "every", "times", "code", "retry_after"})
        raise read.wrong(node, f"a fault needs one of {', '.join(effects)}")
    return fault


def fault_form(fault: Fault) -> dict[str, Any]:
    """Return a fault as plain data: what is not as usual."""
    match = {
        "exact": fault.match.exact,
        "contains": fault.match.contains,
        "regex": None if fault.match.regex is None else fault.match.regex.pattern,
    }
    usual = Fault()
    form = {
        each.name: getattr(fault, each.name)
        for each in fields(Fault)
        if getattr(fault, each.name) != getattr(usual, each.name)
    }
    if "match" in form:
        form["match"] = {name: value for name, value in match.items() if value is not None}
    if fault.limit is not None:
        form["limit"] = asdict(fault.limit)
    return form


def _refusal(fault: Fault) -> ServiceError | None:
    if fault.content_filter == "prompt":
        return ServiceError(
            f"The model service answered 400: {FILTERED} (as {fault.where} asks)",
            status=400,
            reason="content_filter",
            parameter="prompt",
        )
    if fault.status is None:
        return None
    return ServiceError(
        f"The model service answered {fault.status} (as {fault.where} asks).",
        status=fault.status,
        retry_after=fault.retry_after,
        reason=fault.code or _CODES.get(fault.status, str(fault.status)),
    )


def _last_user(request: ChatRequest) -> str:
    for message in reversed(request.messages):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                return " ".join(str(part.get("text") or "") for part in content)
            return str(content or "")
    return ""


def _status(read: NodeReader, node: Node | None) -> int | None:
    if node is None:
        return None
    if not isinstance(node.value, int) or not 400 <= node.value <= 599:
        raise read.wrong(node, f"'status' should be 400 to 599, not {node.value!r}")
    return node.value


def _speed(read: NodeReader, node: Node | None) -> float | None:
    if node is None:
        return None
    if not isinstance(node.value, (int, float)) or node.value <= 0:
        raise read.wrong(node, f"'tokens_per_second' should be above 0, not {node.value!r}")
    return float(node.value)


def _number(read: NodeReader, node: Node | None, name: str) -> int | None:
    if node is None:
        return None
    if not isinstance(node.value, int) or isinstance(node.value, bool) or node.value < 0:
        raise read.wrong(node, f"'{name}' should be a number from 0 on, not {node.value!r}")
    return node.value


def _filter(read: NodeReader, node: Node | None) -> Literal["prompt", "reply"] | None:
    if node is None or node.value is False:
        return None
    if node.value is True or node.value == "prompt":
        return "prompt"
    if node.value == "reply":
        return "reply"
    raise read.wrong(node, f"'content_filter' should be prompt or reply, not {node.value!r}")


def _window(read: NodeReader, node: Node | None) -> Window | None:
    if node is None:
        return None
    members = read.members(node, "a limit", {"tokens", "requests", "per"})
    window = Window(
        read.seconds(members["per"]) if "per" in members else 60.0,
        read.count(members.get("tokens"), "tokens"),
        read.count(members.get("requests"), "requests"),
    )
    if window.tokens is None and window.requests is None:
        raise read.wrong(node, "a limit needs 'tokens', 'requests' or both")
    return window
