"""Traces of callers and the spans of the app, over every channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.model import Invocation, TraceContext
from tests.support.workers import CHANNELS, Worker, decorated, request, serving, text_of

pytest.importorskip("opentelemetry")
pytestmark = pytest.mark.parametrize("kind", CHANNELS)

TRACE = "0af7651916cd43dd8448eb211c80319c"
APP = """
def current():
    from opentelemetry import trace
    return format(trace.get_current_span().get_span_context().trace_id, "032x")

@app.route()
def sync(req): return current()

@app.route()
async def coroutine(req, context: func.Context): return current() + context.function_name
"""


async def answer(worker: Worker, function: str) -> str:
    call = Invocation(
        f"id-{function}",
        function,
        {"req": request()},
        trace=TraceContext(f"00-{TRACE}-b7ad6b7169203331-01", ""),
    )
    return text_of(await worker.channel.invoke(call))


async def test_spans_of_a_function_belong_to_its_caller_when_asked_for(
    kind: str, tmp_path: Path
) -> None:
    root = decorated(tmp_path, APP)
    async with serving(kind, root, {"PYTHON_ENABLE_OPENTELEMETRY": "true"}) as worker:
        assert await answer(worker, "sync") == TRACE
        assert await answer(worker, "coroutine") == f"{TRACE}coroutine"
    both = {"PYTHON_ENABLE_OPENTELEMETRY": "1", "PYTHON_ENABLE_WORKER_EXTENSIONS": "1"}
    async with serving(kind, root, both) as worker:
        assert await answer(worker, "sync") == TRACE
    async with serving(kind, root) as worker:
        assert await answer(worker, "sync") == "0" * 32


async def test_what_has_no_effect_is_told(kind: str, tmp_path: Path) -> None:
    root = decorated(tmp_path, "@app.route()\ndef f(req): return 'fine'\n")
    settings = {"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "1"}
    async with serving(kind, root, settings) as worker:
        assert await worker.text("f") == "fine"
        assert worker.said() == [
            "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY has no effect here: no telemetry is sent"
        ]
