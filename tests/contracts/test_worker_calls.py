"""Calls side by side over every worker channel, and what each knows of itself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from emulator.model import FunctionError, Invocation, RetryContext, TraceContext
from tests.support.workers import (
    CHANNELS,
    decorated,
    every_language,
    request,
    serving,
    text_of,
    written,
)

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


# Context


async def test_the_context_says_who_called(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json

        @app.route()
        def f(req, context: func.Context) -> str:
            trace, retry = context.trace_context, context.retry_context
            error = retry.rpc_exception
            return json.dumps([
                context.function_name, context.function_directory, context.invocation_id,
                trace.trace_parent, trace.Traceparent, trace.trace_state, trace.Tracestate,
                trace.attributes, trace.Attributes, retry.retry_count, retry.max_retry_count,
                error.message, error.stack_trace, error.source, retry.exception is error,
                isinstance(context, func.Context), context.thread_local_storage.invocation_id,
            ])
        """,
    )
    async with serving(kind, root) as worker:
        told = await worker.text("f", id="i-1")
        bare = ["", "", "", "", {}, {}, 0, 0, "", "", "", True, True, "i-1"]
        assert json.loads(told) == ["f", str(root), "i-1", *bare]
        result = await worker.channel.invoke(
            Invocation(
                "i-2",
                "f",
                {"req": request()},
                trace=TraceContext("00-a-b-01", "s=1"),
                retry=RetryContext(2, 3, FunctionError("KeyError", "'x'", "the stack")),
            )
        )
        told = json.loads(text_of(result))
        assert told[3:7] == ["00-a-b-01", "00-a-b-01", "s=1", "s=1"]
        assert told[9:14] == [2, 3, "KeyError: 'x'", "the stack", ""]


# Concurrency


@every_language
async def test_async_calls_run_side_by_side_and_do_not_share_context(
    kind: str, tmp_path: Path
) -> None:
    root = written(
        kind,
        tmp_path,
        {
            "python": """
                import asyncio, contextvars
                seen = contextvars.ContextVar("seen", default="nothing")
                arrived = 0
                gate = None

                @app.route()
                async def f(req) -> str:
                    global arrived, gate
                    gate = gate or asyncio.Event()
                    before = seen.get()
                    seen.set(req.params["n"])
                    arrived += 1
                    if arrived == 5:
                        gate.set()
                    await gate.wait()
                    return before + seen.get()
            """,
            "node": """
                const { AsyncLocalStorage } = require('async_hooks');
                const seen = new AsyncLocalStorage();
                let arrived = 0;
                let open;
                const gate = new Promise((resolve) => { open = resolve; });

                http('f', async (request) => {
                  const before = seen.getStore() ?? 'nothing';
                  seen.enterWith(request.query.get('n'));
                  if (++arrived === 5) open();
                  await gate;
                  return { body: before + seen.getStore() };
                });
            """,
        },
    )
    async with serving(kind, root) as worker:
        told = await asyncio.gather(
            *(worker.text("f", req=request(query={"n": str(n)})) for n in range(5))
        )
        assert told == [f"nothing{n}" for n in range(5)]


async def test_sync_calls_overlap_in_threads_as_far_as_the_pool_allows(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(
        tmp_path,
        """
        import os, threading
        barrier = threading.Barrier(2, timeout=float(os.environ["PATIENCE"]))

        @app.route()
        def f(req) -> str:
            try:
                barrier.wait()
                return "met"
            except threading.BrokenBarrierError:
                return "alone"
        """,
    )
    for threads, patience, told in (
        ("2", "40", ["met", "met"]),
        ("1", "0.05", ["alone", "alone"]),
    ):
        settings = {"PYTHON_THREADPOOL_THREAD_COUNT": threads, "PATIENCE": patience}
        async with serving(kind, root, settings) as worker:
            assert list(await asyncio.gather(worker.text("f"), worker.text("f"))) == told


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        ("many", "PYTHON_THREADPOOL_THREAD_COUNT must be an integer"),
        (
            "0",
            "PYTHON_THREADPOOL_THREAD_COUNT must be set to a value between 1 and sys.maxint."
            " Reverting to default value for max_workers",
        ),
    ],
)
async def test_a_pool_size_that_is_none_is_warned_about(
    kind: str, tmp_path: Path, value: str, warning: str
) -> None:
    root = decorated(tmp_path, "@app.route()\ndef f(req):\n    return 'runs'\n")
    async with serving(kind, root, {"PYTHON_THREADPOOL_THREAD_COUNT": value}) as worker:
        assert await worker.text("f") == "runs"
        assert [(each.level, each.message, each.source) for each in worker.logs] == [
            ("Warning", warning, "worker")
        ]
