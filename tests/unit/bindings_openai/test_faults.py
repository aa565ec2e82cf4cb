"""Trouble on request: what a model does on a bad day, from a script and from a single test."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bindings.openai.models.base import ChatReply, ChatRequest, ToolCall, Usage
from bindings.openai.models.faults import Fault, FaultPlan, FaultyBackend, Window, parse_faults
from bindings.openai.models.retrying import RetryPolicy, ServiceError
from emulator.clock import ManualClock, SystemClock
from emulator.sdk import BindingError


class NapClock(SystemClock):
    def __init__(self) -> None:
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)


class Model:
    name = "model"

    def __init__(self) -> None:
        self.asked = 0

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.asked += 1
        call = ToolCall("call_1", "Add", json.dumps({"text": "milk and bread"}))
        return ChatReply("Hi", (call,), "tool_calls", Usage(12, 2, 10))

    async def aclose(self) -> None: ...


def faulty(*faults: Fault, clock: Any = None) -> tuple[FaultyBackend, Model, NapClock]:
    clock = clock or NapClock()
    plan = FaultPlan(clock)
    plan.add(*faults)
    model = Model()
    return FaultyBackend(model, plan, policy=RetryPolicy(), clock=clock), model, clock


def asked(text: str = "hello", assistant: str = "a1", **more: Any) -> ChatRequest:
    return ChatRequest("m", [{"role": "user", "content": text}], assistant=assistant, **more)


def one(text: str) -> Fault:
    [fault] = parse_faults(text, "faults")
    return fault


async def test_without_faults_nothing_changes() -> None:
    backend, _, clock = faulty()
    assert (await backend.chat(asked())).content == "Hi"
    assert clock.naps == []


async def test_faults_work_together() -> None:
    backend, _, clock = faulty(
        one("{latency: 1s}"), one("{ttft: 500ms}"), one("{tokens_per_second: 20}")
    )
    await backend.chat(asked())
    assert clock.naps == [1.5, 0.5]


@pytest.mark.parametrize(
    ("text", "request_", "hit"),
    [
        ("{match: {contains: slow}, status: 400}", asked("so slow"), True),
        ("{match: {contains: slow}, status: 400}", asked("quick"), False),
        ("{match: quick, status: 400}", asked("  quick "), True),
        ("{assistant: 'b*', status: 400}", asked(), False),
        ("{assistant: 'a?', status: 400}", asked(), True),
    ],
)
async def test_a_fault_concerns_what_it_names(text: str, request_: ChatRequest, hit: bool) -> None:
    backend, model, _ = faulty(one(text))
    if hit:
        with pytest.raises(ServiceError, match=r"answered 400 \(as faults:1 asks\)"):
            await backend.chat(request_)
    else:
        await backend.chat(request_)
    assert model.asked == (0 if hit else 1)


async def test_every_third_request_is_refused_and_tried_again() -> None:
    backend, model, clock = faulty(one("{every: 3, status: 429, retry_after: 7s}"))
    for _ in range(4):
        await backend.chat(asked())
    assert (model.asked, clock.naps) == (4, [7.0])


async def test_a_broken_connection_is_tried_again() -> None:
    backend, model, clock = faulty(one("{times: 2, cut_stream_after: 3}"))
    told: list[str] = []
    await backend.chat(asked(tell=told.append))
    assert (model.asked, clock.naps) == (1, [0.0, 0.8])
    assert "broke (as faults:1 asks)" in told[0]


async def test_a_filtered_prompt_is_refused_for_good() -> None:
    backend, model, clock = faulty(one("{content_filter: prompt}"))
    with pytest.raises(ServiceError, match="content management policy") as caught:
        await backend.chat(asked())
    assert (caught.value.status, caught.value.reason) == (400, "content_filter")
    assert (model.asked, clock.naps) == (0, [])


async def test_a_filtered_reply_is_empty() -> None:
    backend, _, _ = faulty(one("{content_filter: reply}"))
    reply = await backend.chat(asked())
    assert (reply.content, reply.tool_calls, reply.finish_reason) == ("", (), "content_filter")


async def test_arguments_cut_at_a_limit_are_no_json() -> None:
    backend, _, _ = faulty(one("{truncate_arguments: 10}"))
    reply = await backend.chat(asked())
    assert reply.finish_reason == "length"
    assert reply.tool_calls[0].arguments == '{"text": "'


async def test_a_window_of_requests_says_when_to_come_back() -> None:
    clock = ManualClock()
    backend, model, _ = faulty(one("{limit: {requests: 2, per: 10s}}"), clock=clock)
    await backend.chat(asked())
    clock.advance(4)
    await backend.chat(asked())
    waiting = asyncio.create_task(backend.chat(asked()))
    await asyncio.sleep(0)
    assert model.asked == 2
    clock.advance(5.9)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(0.2)
    await waiting
    assert model.asked == 3


def test_a_window_of_tokens_charges_what_a_reply_may_take() -> None:
    clock = ManualClock()
    plan = FaultPlan(clock)
    plan.add(Fault(limit=Window(60, tokens=100)))
    first = plan.effect(asked("x" * 40, max_tokens=30))
    assert first.error is None
    assert first.headers == {
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": str(100 - 14 - 30),
    }
    second = plan.effect(asked("x" * 40, max_tokens=60))
    assert second.error is not None
    assert (second.error.status, second.error.retry_after) == (429, 60)
    assert "limit of tokens per 60 s" in second.error.message
    clock.advance(60)
    assert plan.effect(asked("x" * 40, max_tokens=60)).error is None


async def test_a_single_test_gets_its_faults_and_nobody_else() -> None:
    clock = NapClock()
    plan = FaultPlan(clock)
    backend = FaultyBackend(Model(), plan, policy=RetryPolicy(), clock=clock)
    with plan.during(Fault(status=400)):
        with pytest.raises(ServiceError, match="as a test asks"):
            await backend.chat(asked())
    await backend.chat(asked())
    assert plan.added == ()


def test_equal_faults_count_for_themselves() -> None:
    plan = FaultPlan(NapClock())
    fault = Fault(times=1, status=500)
    plan.add(fault, fault)
    assert plan.effect(asked()).error is not None
    assert plan.effect(asked()).error is None
    plan.add(fault)
    assert plan.effect(asked()).error is not None


async def test_a_failing_service_behind_it_is_not_tried_again_here() -> None:
    class Down(Model):
        async def chat(self, request: ChatRequest) -> ChatReply:
            self.asked += 1
            raise ServiceError("down", status=503)

    clock = NapClock()
    plan, model = FaultPlan(clock), Down()
    plan.add(Fault(latency=1))
    with pytest.raises(ServiceError):
        await FaultyBackend(model, plan, policy=RetryPolicy(), clock=clock).chat(asked())
    assert (model.asked, clock.naps) == (1, [1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "a fault needs one of"),
        ("{retry_after: 2s}", "a fault needs one of"),
        ("{latency: soon}", "'soon' is not a time"),
        ("{content_filter: maybe}", "'content_filter' should be prompt or reply"),
        ("{truncate_arguments: -1}", "'truncate_arguments' should be a number from 0 on"),
        ("{limit: {per: 1s}}", "a limit needs 'tokens', 'requests' or both"),
        ("{limit: {days: 1}}", "a limit has no 'days'"),
        ("- {status: 500}\n- {sattus: 500}", "faults:2: a fault has no 'sattus'"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BindingError, match=message):
        parse_faults(text, "faults")
