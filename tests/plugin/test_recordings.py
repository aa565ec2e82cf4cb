"""Tests with a recording: played beside the test, recorded on request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.support.model_service import ModelService, chat
from tests.support.testing import CHAT, failing, output, run, write_project

KEY = "sk-0123456789abcdef0123456789"
TEST = """
async def say(app, text):
    return await (await app.post("/api/chats/a1", params={"text": text})).text()

@pytest.mark.recording("notes")
async def test_it(functions_app):
    await functions_app.put("/api/chats/a1")
    assert await say(functions_app, "Write down: milk") == "Written down."
    assert await say(functions_app, "What is there?") == "Milk."
    assert functions_app.module("function_app").notes == ["milk"]
"""
CONVERSATION = (
    chat(calls=[("call_0123456789abcdefghijklmn", "AddNote", {"text": "milk"})]),
    chat("Written down."),
    chat(calls=[("call_1123456789abcdefghijklmn", "ReadNotes", {"ignored": ""})]),
    chat("Milk."),
)


class Background:
    """A model service on a loop of its own: the tests' loops come and go."""

    def __init__(self) -> None:
        self.service = ModelService()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._running = self.service.running()

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._running.__aenter__(), self._loop).result()

    def stop(self) -> None:
        end = self._running.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(end, self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelService]:
    background = Background()
    background.start()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{background.service.url}/v1")
    yield background.service
    background.stop()


def test_what_was_recorded_once_is_played_without_the_service(
    pytester: pytest.Pytester, service: ModelService, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(pytester, TEST, app=CHAT)
    folder = pytester.path / "recordings/notes"
    service.reply(*CONVERSATION)
    assert run(pytester, "--record-mode=once").parseoutcomes() == {"passed": 1}
    assert len(service.requests) == 4
    assert [each.name for each in folder.iterdir()] == ["assistant.a1.json"]
    recorded = (folder / "assistant.a1.json").read_text()
    assert KEY not in recorded

    assert run(pytester, "--record-mode=once").parseoutcomes() == {"passed": 1}
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    for arguments in ((), ("--record-mode=none",)):
        assert run(pytester, *arguments).parseoutcomes() == {"passed": 1}
    assert len(service.requests) == 4
    assert (folder / "assistant.a1.json").read_text() == recorded


def test_all_records_anew(pytester: pytest.Pytester, service: ModelService) -> None:
    write_project(pytester, TEST, app=CHAT)
    service.reply(*CONVERSATION)
    run(pytester, "--record-mode=once")
    changed = TEST.replace("Written down.", "I wrote it down.")
    write_project(pytester, changed, app=CHAT)
    assert run(pytester).parseoutcomes() == {"failed": 1}
    service.reply(CONVERSATION[0], chat("I wrote it down."), *CONVERSATION[2:])
    assert run(pytester, "--record-mode=all").parseoutcomes() == {"passed": 1}
    assert len(service.requests) == 8
    assert run(pytester).parseoutcomes() == {"passed": 1}


def test_what_is_not_recorded_is_refused_and_told(pytester: pytest.Pytester) -> None:
    told = failing(pytester, TEST, app=CHAT)
    folder = pytester.path / "recordings/notes"
    assert 'Nothing recorded in notes answers "Write down: milk"' in told
    assert (
        f"The models answered from {folder} (--record-mode=none). What is missing or outdated "
        "there is recorded with --record-mode=all, with a model service configured."
    ) in told
    assert not folder.exists()


def test_recording_without_a_service_says_what_is_missing(pytester: pytest.Pytester) -> None:
    told = failing(pytester, TEST, "--record-mode=once", app=CHAT)
    assert "missing required 'Endpoint' and/or 'Key' values" in told


def test_a_recording_has_the_name_of_its_test_unless_it_says_another(
    pytester: pytest.Pytester, service: ModelService
) -> None:
    test = TEST.replace('@pytest.mark.recording("notes")', "@pytest.mark.recording")
    write_project(pytester, test, app=CHAT)
    service.reply(*CONVERSATION)
    assert run(pytester, "--record-mode=once").parseoutcomes() == {"passed": 1}
    assert (pytester.path / "recordings/test_it/assistant.a1.json").is_file()


def test_requests_of_a_recording_can_be_looked_at(
    pytester: pytest.Pytester, service: ModelService
) -> None:
    test = TEST.replace("test_it(functions_app)", "test_it(functions_app, models)")
    test += "    assert [each.reply for each in models.requests][-1] == 'Milk.'\n"
    write_project(pytester, test, app=CHAT)
    service.reply(*CONVERSATION)
    result = run(pytester, "--record-mode=once")
    assert result.parseoutcomes() == {"passed": 1}, output(result)
    assert run(pytester).parseoutcomes() == {"passed": 1}


def test_embeddings_are_recorded_too(pytester: pytest.Pytester, service: ModelService) -> None:
    app = """
        import azure.functions as func
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

        @app.route(route="vector", methods=["POST"])
        @app.embeddings_input(
            arg_name="made", input="{text}", input_type="RawText", embeddings_model="small",
        )
        def vector(req: func.HttpRequest, made: str) -> str:
            return made
    """
    test = """
        @pytest.mark.recording("vectors")
        async def test_it(functions_app):
            answer = await functions_app.post("/api/vector", json={"text": "milk"})
            assert (await answer.json())["response"]["data"][0]["embedding"] == "AACAPgAAAL8AAIA/"
    """
    write_project(pytester, test, app=app)
    result = run(pytester, "--record-mode=once")
    assert result.parseoutcomes() == {"passed": 1}, output(result)
    assert (pytester.path / "recordings/vectors/embeddings.json").is_file()
    service.fallback = lambda request: chat("never")
    assert run(pytester).parseoutcomes() == {"passed": 1}
    assert len(service.requests) == 1


def test_the_option_of_pytest_recording_counts_where_that_is_installed(
    pytester: pytest.Pytester, service: ModelService, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(pytester, TEST, app=CHAT)
    pytester.makepyfile(
        pytest_recording="""
        def pytest_addoption(parser):
            choices = ("once", "new_episodes", "none", "all", "rewrite")
            parser.addoption("--record-mode", choices=choices, default=None)
        """
    )
    pytester.syspathinsert()
    service.reply(*CONVERSATION)
    for mode, requests in (("new_episodes", 4), ("none", 4), ("once", 4), ("rewrite", 8)):
        if mode == "rewrite":
            service.reply(*CONVERSATION)
        result = run(pytester, "-p", "pytest_recording", f"--record-mode={mode}")
        assert result.parseoutcomes() == {"passed": 1}, output(result)
        assert len(service.requests) == requests
    assert run(pytester, "-p", "pytest_recording").parseoutcomes() == {"passed": 1}


def test_a_test_is_live_or_recorded_not_both(pytester: pytest.Pytester) -> None:
    told = failing(
        pytester,
        "@pytest.mark.live\n@pytest.mark.recording\nasync def test_it(functions_app): pass\n",
    )
    assert (
        "The test is marked both 'live' and 'recording'; a recording is made with "
        "--record-mode=once."
    ) in told
