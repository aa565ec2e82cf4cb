"""How calls and channels are ended, for every worker channel."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from emulator.errors import WorkerLost
from tests.support.workers import CHANNELS, every_language, serving, text_of, written

pytestmark = pytest.mark.parametrize("kind", CHANNELS)

WAITING = {
    "python": """
        import asyncio, logging, threading
        release = threading.Event()

        @app.route()
        async def coroutine(req) -> str:
            logging.info("begun")
            try:
                await asyncio.sleep(30)
            finally:
                logging.info("cleaned up")

        @app.route()
        def thread(req) -> str:
            logging.info("begun")
            release.wait(30)
            return "late"

        @app.route()
        async def let_go(req) -> str:
            release.set()
            return "done"
    """,
    "node": """
        let release;
        const released = new Promise((resolve) => { release = resolve; });

        http('coroutine', async (request, context) => {
          context.log('begun');
          await new Promise((resolve) => setTimeout(resolve, 300));
          context.log('cleaned up');
        });

        http('thread', async (request, context) => {
          context.log('begun');
          await released;
          return { body: 'late' };
        });

        http('let_go', () => {
          release();
          return { body: 'done' };
        });
    """,
}
"""What `coroutine` cleans up is done when it is cancelled; in JavaScript nothing can be."""


@every_language
async def test_cancel_ends_a_call(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        for function in ("coroutine", "thread"):
            call = asyncio.create_task(worker.call(function, id=function))
            await worker.begun(function)
            assert worker.channel.running == 1
            await worker.channel.cancel(function)
            result = await call
            assert result.error.type == "CancelledError"
        if kind == "node":
            assert worker.said("coroutine") == ["begun"]
        else:
            assert worker.said("coroutine") == ["begun", "cleaned up"]
        await worker.channel.cancel("no such call")
        assert worker.channel.running == 0
        await worker.call("let_go")


@every_language
async def test_a_caller_that_goes_away_cancels_its_call(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("coroutine", id="gone"))
        await worker.begun("gone")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert worker.channel.running == 0
        await worker.channel.abandon("gone", grace=5)
        assert worker.said("gone") == ["begun", "cleaned up"]
        assert not worker.channel.closed.done()


@every_language
async def test_drain_waits_for_calls(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        assert await worker.channel.drain(0)
        call = asyncio.create_task(worker.call("thread"))
        await asyncio.sleep(0)
        assert not await worker.channel.drain(0.02)
        assert await worker.text("let_go") == "done"
        assert await worker.channel.drain(5)
        assert text_of(await call) == "late"


@every_language
async def test_the_same_call_cannot_be_made_twice_at_once(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("thread", id="same"))
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="the call same is already under way"):
            await worker.call("thread", id="same")
        await worker.call("let_go")
        assert text_of(await call) == "late"


@every_language
async def test_close_is_idempotent_and_ends_running_calls(kind: str, tmp_path: Path) -> None:
    async with serving(kind, written(kind, tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("coroutine", id="1"))
        await worker.begun("1")
        await asyncio.gather(worker.channel.aclose(0.05), worker.channel.aclose(0.05))
        outcome = (await asyncio.gather(call, return_exceptions=True))[0]
        assert isinstance(outcome, WorkerLost) or outcome.error.type == "CancelledError"
        exit_info = worker.channel.closed.result()
        assert exit_info.expected
        with pytest.raises(WorkerLost, match="stopped"):
            await worker.call("let_go")
