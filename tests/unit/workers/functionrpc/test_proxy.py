"""Responses that a worker sends by HTTP, and how their calls went."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from emulator.errors import WorkerLost, WorkerProtocolError
from emulator.model import Datum, FunctionError, HttpRequestData, Invocation, InvocationResult
from emulator.workers.functionrpc.proxy import (
    Begun,
    HttpProxy,
    WholeResponse,
    outcome,
    taken_apart,
)
from tests.support.patience import PATIENCE

FAILED = InvocationResult(error=FunctionError("ValueError", "no"))


async def forwarded(error: Exception | None = None, after: asyncio.Event | None = None) -> None:
    if after is not None:
        await after.wait()
    if error is not None:
        raise error


def an_answer() -> asyncio.Future[InvocationResult]:
    return asyncio.get_running_loop().create_future()


def waiting() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("first", ["the worker", "its connection"])
async def test_a_worker_that_ends_is_the_reason_not_its_connection(first: str) -> None:
    broken, answer, never = WorkerProtocolError("broken off"), an_answer(), asyncio.Event()
    at_once = first == "its connection"
    forwarding = asyncio.create_task(forwarded(broken, None if at_once else never))
    call = asyncio.create_task(outcome(answer, forwarding, begun=waiting()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answer.set_exception(WorkerLost("the worker ended with exit code 3"))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(WorkerLost, match="exit code 3"):
            await call
    forwarding.cancel()
    await asyncio.gather(forwarding, return_exceptions=True)


async def test_a_failure_need_not_have_a_response() -> None:
    answer, never = an_answer(), asyncio.Event()
    answer.set_result(FAILED)
    forwarding = asyncio.create_task(forwarded(after=never))
    assert await outcome(answer, forwarding, begun=waiting()) is FAILED
    forwarding.cancel()
    await asyncio.gather(forwarding, return_exceptions=True)


async def test_a_call_is_over_when_its_response_is_out() -> None:
    answer, out = an_answer(), asyncio.Event()
    answer.set_result(InvocationResult())
    begun = waiting()
    begun.set_result(None)
    forwarding = asyncio.create_task(forwarded(after=out))
    call = asyncio.create_task(outcome(answer, forwarding, begun=begun, patience=0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not call.done()
    out.set()
    assert await call == InvocationResult()


async def test_a_call_that_went_well_need_not_have_a_response() -> None:
    """The worker for Node.js sends none for a function that returns nothing."""
    answer, never = an_answer(), asyncio.Event()
    answer.set_result(InvocationResult())
    forwarding = asyncio.create_task(forwarded(after=never))
    result = await outcome(answer, forwarding, begun=waiting(), patience=0.01)
    assert result == InvocationResult()
    forwarding.cancel()
    await asyncio.gather(forwarding, return_exceptions=True)


async def test_a_client_that_is_gone_is_not_the_worker() -> None:
    forwarding = asyncio.create_task(forwarded(ConnectionResetError()))
    with pytest.raises(ConnectionResetError):
        await outcome(an_answer(), forwarding, begun=waiting())


async def test_a_body_and_a_response_can_be_whole() -> None:
    request = HttpRequestData("POST", "http://h/", {"transfer-encoding": "chunked"}, body=b"abc")
    inputs = {"req": Datum("http", request), "other": Datum("text", "x")}
    call, body = taken_apart(Invocation("1", "f", inputs))
    assert call.inputs["req"].value.headers == {"content-length": "3"}
    assert call.inputs["other"] == Datum("text", "x")
    assert [each async for each in body] == [b"abc"]
    whole = WholeResponse()
    assert whole.given_with(InvocationResult()) == InvocationResult()
    begun = Begun(whole)
    await begun.start(201, (("a", "b"),))
    assert begun.told.done()
    await begun.write(b"x")
    answer = whole.given_with(InvocationResult()).return_value.value
    assert (answer.status, answer.headers, answer.body) == (201, (("a", "b"),), b"x")
    assert whole.given_with(FAILED) is FAILED


async def test_nothing_is_forwarded_to_a_worker_that_has_ended() -> None:
    proxy = HttpProxy("http://127.0.0.1:9")
    proxy.shut()
    request = HttpRequestData("GET", "http://h/")
    _, body = taken_apart(Invocation("1", "f", {"req": Datum("http", request)}))
    with pytest.raises(WorkerProtocolError, match="it has ended"):
        await proxy.forward("1", request, body=body, respond=WholeResponse())
    await proxy.close()


@pytest.mark.parametrize("answers", ["first", "last"])
async def test_a_body_that_breaks_off_is_told_as_it_did(answers: str) -> None:
    began = asyncio.Event()

    async def taken(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        if answers == "first":
            await response.prepare(request)
        await request.content.readany()
        began.set()
        await request.read()
        return response

    async def body() -> AsyncIterator[bytes]:
        yield b"begun"
        await began.wait()
        raise web.HTTPRequestEntityTooLarge(1, 2)

    request = HttpRequestData("POST", "http://h/", {"transfer-encoding": "chunked"})
    async with RawTestServer(taken) as server:
        proxy = HttpProxy(str(server.make_url("")))
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(web.HTTPRequestEntityTooLarge):
                await proxy.forward("1", request, body=body(), respond=WholeResponse())
        await proxy.close()
