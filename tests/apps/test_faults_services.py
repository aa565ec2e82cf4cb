"""Services and files that fail an assistant, as the user of a served app meets it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.azurite import Azurite, running
from tests.support.disks import disk
from tests.support.model_service import ModelService, Received, Reply, chat, failure
from tests.support.patience import PATIENCE, once_within
from tests.support.serving import FIXTURES, Answer, Served, served, write_app
from tests.support.tcp_service import TcpService

SINCE = {"timestampUTC": "2023-01-01T00:00:00Z"}
APP = """
import json
import azure.functions as func

app = func.FunctionApp(http_auth_level="ANONYMOUS")
ROUTE = "assistants/{assistantId}"


@app.route(route=ROUTE, methods=["PUT"])
@app.assistant_create_output(arg_name="requests")
def Create(req: func.HttpRequest, requests: func.Out[str]) -> str:
    requests.set(json.dumps({"id": req.route_params["assistantId"], "instructions": "Be brief."}))
    return "ok"


@app.route(route=ROUTE, methods=["POST"])
@app.assistant_post_input(
    arg_name="state", id="{assistantId}", user_message="{Query.message}", chat_model="gpt-test",
    ai_connection_name="AzureOpenAI",
)
def Post(req: func.HttpRequest, state: str) -> str:
    return json.loads(state)["recentMessages"][-1]["content"]


@app.route(route=ROUTE, methods=["GET"])
@app.assistant_query_input(
    arg_name="state", id="{assistantId}", timestamp_utc="{Query.timestampUTC}"
)
def Query(req: func.HttpRequest, state: str) -> str:
    return state


@app.route(route="embed")
@app.embeddings_input(
    arg_name="found", input="{Query.input}", input_type="FilePath", embeddings_model="e",
    ai_connection_name="None",
)
def Embed(req: func.HttpRequest, found: str) -> str:
    return str(json.loads(found)["count"])


@app.route(route="page")
@app.embeddings_input(
    arg_name="found", input="{Query.input}", input_type="Url", embeddings_model="e",
    ai_connection_name="None",
)
def Page(req: func.HttpRequest, found: str) -> str:
    return str(json.loads(found)["count"])


@app.route(route="plain")
def Plain(req: func.HttpRequest) -> str:
    return "plain"


@app.assistant_skill_trigger(arg_name="task", function_description="Create a new todo task")
def AddTodo(task: str) -> None:
    pass
"""


def settings(service: ModelService, **more: str) -> dict[str, str]:
    return {
        "AzureOpenAI__Endpoint": service.url,
        "AzureOpenAI__Key": "k",
        "FUNCEMU_MODEL_RETRY_DELAY": "0",
        "FUNCEMU_MODEL_TIMEOUT": "600",
        **more,
    }


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


@pytest.fixture
async def service() -> AsyncIterator[ModelService]:
    async with ModelService().running() as service:
        yield service


async def post(host: Served, message: str = "Hello", who: str = "a1") -> Answer:
    return await host.post(f"/api/assistants/{who}", params={"message": message})


async def said(host: Served, who: str = "a1") -> list[str]:
    """Return what is stored of a chat, which has to be whole."""
    state = (await host.get(f"/api/assistants/{who}", params=SINCE)).json
    messages: list[dict[str, Any]] = state["recentMessages"]
    assert len(messages) == state["totalMessages"], "half a turn is stored"
    return [each["content"] for each in messages]


async def _exception(host: Served, shown: int) -> str:
    """Wait for the line that says why a call failed, behind what was printed already."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for line in host.output[shown:]:
                if line.startswith("Exception: "):
                    return line
            await asyncio.sleep(0.01)


JSON = {"content-type": "application/json"}
BAD_ANSWERS: dict[str, tuple[Reply, str]] = {
    "reset": (Reply(breaks=True), "did not answer properly: "),
    "page": (Reply("<html>Sign in</html>"), "answered '<html>Sign in</html>', which is not a chat"),
    "bytes": (Reply(bytes(range(256)), headers=JSON), "answered what is no JSON: "),
    "half": (Reply('{"choices": [{"mess', headers=JSON), "answered what is no JSON: "),
    "no utf-8": (Reply(b'{"choices": "\xff"}', headers=JSON), "answered what is no JSON: "),
    "no choices": (Reply({"id": "x"}), "which is not a chat completion."),
    "redirect": (Reply("", 302, {"location": "/elsewhere"}), "answered 302"),
    "401": (failure(401, "wrong key"), "answered 401: wrong key"),
    "403": (failure(403, "firewall"), "answered 403: firewall"),
    "404": (failure(404, "none", code="DeploymentNotFound"), "answered 404: none"),
    "429 huge": (failure(429, "slow", retry_after="999999"), "asked again in 999,999 s"),
    "429 date": (
        failure(429, "slower", retry_after="Sun, 06 Nov 2094 08:49:37 GMT"),
        "answered 429: slower",
    ),
    "500": (failure(500, "oops"), "answered 500: oops"),
    "503 page": (Reply("<html>busy</html>", 503), "answered 503: <html>busy</html>"),
}


async def test_whatever_a_model_service_does_one_call_fails_and_no_chat_changes(
    app: Path, service: ModelService
) -> None:
    async with served(app, settings=settings(service)) as host:
        await host.put("/api/assistants/a1")
        await post(host, "Good day")
        before = await said(host)
        for name, (reply, message) in BAD_ANSWERS.items():
            shown = len(host.output)
            service.fallback = lambda request, reply=reply: reply  # type: ignore[misc]  # a lambda
            async with asyncio.timeout(PATIENCE):
                answer = await post(host)
            assert (answer.status, answer.body) == (500, b""), name
            line = await _exception(host, shown)
            assert message in line, name
            assert name.startswith("429") or service.url in line or "AzureOpenAI__" in line
            assert await said(host) == before, name
            service.fallback = lambda request: chat("Hi")
        assert (await post(host)).text == "Hi"
        assert await said(host) == [*before, "Hello", "Hi"]


async def test_a_model_service_that_says_nothing_fails_one_call(
    app: Path, service: ModelService
) -> None:
    service.fallback = lambda request: Reply(delay=600)
    async with served(app, settings=settings(service, FUNCEMU_MODEL_TIMEOUT="0.5")) as host:
        await host.put("/api/assistants/a1")
        answer = await post(host)
        assert (answer.status, answer.body) == (500, b"")
        line = await _exception(host, 0)
        assert "did not answer in 0.5 s." in line
        assert service.url in line
        await host.until_printed("Check AzureOpenAI__Endpoint and the service, or raise FUNCEMU_")
        assert await said(host) == ["Be brief."]


async def test_while_one_assistant_waits_for_its_model_the_others_go_on(
    app: Path, service: ModelService
) -> None:
    asked, others_were_served = asyncio.Event(), asyncio.Event()

    def answer(request: Received) -> Reply:
        if request.messages[-1]["content"] != "hang":
            return chat("Hi")
        asked.set()
        return replace(chat("Late"), then=others_were_served)

    service.fallback = answer
    async with served(app, settings=settings(service)) as host:
        for who in ("a1", "a2"):
            await host.put(f"/api/assistants/{who}")
        waiting = asyncio.create_task(post(host, "hang"))
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
            assert (await post(host, "one", "a2")).text == "Hi"
            assert (await host.get("/api/plain")).text == "plain"
            assert not waiting.done()
            others_were_served.set()
            assert (await waiting).text == "Late"
        assert await said(host) == ["Be brief.", "hang", "Late"]
        assert await said(host, "a2") == ["Be brief.", "one", "Hi"]


async def test_a_caller_that_leaves_leaves_a_whole_turn(app: Path, service: ModelService) -> None:
    asked = asyncio.Event()

    def answer(request: Received) -> Reply:
        asked.set()
        return Reply(chat("Late").body, delay=0.2)

    service.fallback = answer
    async with served(app, settings=settings(service)) as host:
        await host.put("/api/assistants/a1")
        async with aiohttp.ClientSession() as session:
            url = f"{host.url}/api/assistants/a1?message=Hello"
            leaving = asyncio.create_task(session.post(url))
            await asked.wait()
            leaving.cancel()
        async with asyncio.timeout(PATIENCE):
            while len(await said(host)) < 3:  # noqa: ASYNC110 - another process stores it
                await asyncio.sleep(0.02)
        assert await said(host) == ["Be brief.", "Hello", "Late"]


async def test_a_table_service_that_goes_within_a_turn_gets_no_half_of_it(
    app: Path, service: ModelService, tmp_path: Path
) -> None:
    kept = tmp_path / "azurite"
    kept.mkdir()
    with running(kept) as azurite:
        store = {"AzureWebJobsStorage": azurite.connection_string()}
        # What goes well is tried again, so that a machine may stand still for a moment.
        store["FUNCEMU_SERVICE_TIMEOUT"] = "1.5"
        async with served(app, settings=settings(service, **store)) as host:
            await host.put("/api/assistants/a1")
            assert (await post(host, "one")).status == 200
            service.fallback = _after(azurite.stop)
            assert (await post(host, "lost")).status == 500
            await host.until_printed("Check AzureWebJobsStorage and whether the service runs")
            azurite.start()
            service.fallback = _after(lambda: _signal(azurite, signal.SIGSTOP))
            async with asyncio.timeout(PATIENCE):
                assert (await post(host, "late")).status == 500
            await host.until_printed("did not answer in 1.5 s.")
            await host.until_printed("raise FUNCEMU_SERVICE_TIMEOUT")
            _signal(azurite, signal.SIGCONT)
            service.fallback = lambda request: chat("Hi")
            assert (await post(host, "two")).status == 200
            stored = await said(host)
    # What it was sent before it stood still it may do later, but as a whole and once.
    assert stored in (
        ["Be brief.", "one", "Hi", "two", "Hi"],
        ["Be brief.", "one", "Hi", "late", "Hi", "two", "Hi"],
    )


def _after(trouble: Callable[[], None]) -> Callable[[Received], Reply]:
    def answer(request: Received) -> Reply:
        trouble()
        return chat("Hi")

    return answer


def _signal(azurite: Azurite, number: signal.Signals) -> None:
    assert azurite._process is not None
    azurite._process.send_signal(number)


async def test_a_search_service_that_hangs_fails_one_call_in_time() -> None:
    async with TcpService(ending="hang").running() as search:
        values = {
            "SearchEndpoint__endpoint": search.url,
            "SearchEndpoint__apiKey": "k",
            "FUNCEMU_SERVICE_TIMEOUT": "0.5",
        }
        async with served(FIXTURES / "search", settings=values) as host:
            async with asyncio.timeout(PATIENCE):
                answer = await host.post("/api/ask", json={"prompt": "What is refunded?"})
            assert answer.status == 500
            await host.until_printed("service of 'SearchEndpoint' did not answer in 0.5 s.")


async def test_recordings_on_a_full_disk_fail_the_call_and_go_on_when_there_is_room(
    app: Path, service: ModelService
) -> None:
    with disk(app / "recordings") as small:
        async with served(app, "--models", "record", settings=settings(service)) as host:
            await host.put("/api/assistants/a1")
            small.fill()
            assert (await post(host)).status == 500
            await host.until_printed("cannot be written: [Errno 28] No space left on device")
            assert await said(host) == ["Be brief."]
            small.free()
            assert (await post(host)).text == "Hi"
            names = [each.name for each in (app / "recordings").iterdir()]
            assert names == ["assistant.a1.json"]


async def test_a_script_that_cannot_be_read_fails_calls_until_it_is_back(tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(FIXTURES / "assistant", app)
    script = app / "model-script.yaml"
    text = script.read_bytes()
    values = {"FUNCEMU_MODEL_SCRIPT": script.name, "TODO_FILE": str(tmp_path / "todos.json")}
    async with served(app, settings=values) as host:
        await host.put("/api/assistants/a1")
        assert (await post(host, "Remind me to call my dad")).status == 200
        length = len(await said(host))
        for spoil in (
            lambda: None,
            script.mkdir,
            lambda: script.write_bytes(b"\xff\xfe\x00garbage"),
            lambda: script.write_text("turns: [", encoding="utf-8"),
        ):
            _remove(script)
            spoil()
            shown = len(host.output)
            assert (await post(host, "Remind me to call my mum")).status == 500
            assert script.name in await _exception(host, shown)
            assert len(await said(host)) == length
        _remove(script)
        script.write_bytes(text)
        assert (await post(host, "Remind me to call my mum")).status == 200


def _remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


async def test_files_that_are_none_or_have_no_end_are_refused_at_once(app: Path) -> None:
    docs = app / "docs"
    docs.mkdir()
    (docs / "note.txt").write_text("A note. ", encoding="utf-8")
    (docs / "binary.bin").write_bytes(bytes(range(256)) * 4)
    os.mkfifo(docs / "pipe")
    with (docs / "huge.txt").open("wb") as sparse:
        sparse.truncate(5 * 1024**3)
    refused = {
        "docs/gone.txt": "Could not find file",
        "docs": "is a folder, not a file.",
        "docs/pipe": "is not a regular file.",
        "docs/huge.txt": "is larger than 20,971,520 bytes.",
        "/dev/zero": "is not a regular file.",
    }
    values = {"FUNCEMU_EMBEDDINGS_FILES_ROOT": "/dev"}
    async with served(app, settings=values) as host:

        async def refusal(path: str, message: str) -> float:
            host.output.clear()
            began = time.monotonic()
            assert (await host.get("/api/embed", params={"input": path})).status == 500
            await host.until_printed(message)
            return time.monotonic() - began

        for path, message in refused.items():
            await once_within(2, partial(refusal, path, message))
        for path in ("docs/note.txt", "docs/binary.bin"):
            assert (await host.get("/api/embed", params={"input": path})).status == 200
        (docs / "note.txt").unlink()
        assert (await host.get("/api/embed", params={"input": "docs/note.txt"})).status == 500


async def test_pages_that_hang_or_have_no_end_are_given_up(app: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    most = {"FUNCEMU_EMBEDDINGS_MAX_BYTES": "1000000"}
    async with (
        TcpService(ending="hang").running() as silent,
        TcpService(head, *[b"x"] * 1000, pause=0.01, ending="hang").running() as slow,
        TcpService(head, *[b"x" * 100_000] * 1000, ending="hang").running() as endless,
    ):
        pages = {
            "0.3": {
                silent.url: f"{silent.url}/ did not answer within 0.3 seconds.",
                slow.url: f"{slow.url}/ did not answer within 0.3 seconds.",
            },
            "600": {endless.url: "is larger than 1,000,000 bytes."},
        }
        for seconds, told in pages.items():
            values = {"FUNCEMU_EMBEDDINGS_TIMEOUT": seconds, **most}
            async with served(app, settings=values) as host:
                for url, message in told.items():
                    async with asyncio.timeout(PATIENCE):
                        answer = await host.get("/api/page", params={"input": f"{url}/"})
                    assert answer.status == 500
                    await host.until_printed(message)
                assert (await host.get("/api/plain")).text == "plain"
