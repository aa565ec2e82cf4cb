"""The fixture `models` and an app that calls a model service itself."""

from __future__ import annotations

import pytest

from tests.support.testing import HELLO, check

OWN_CALLS = """
import json
import os
import urllib.request

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

def ask(text, **more):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer x"},
    )
    with urllib.request.urlopen(request) as response:
        return response.read().decode()

@app.route(route="ask")
def asks(req: func.HttpRequest) -> str:
    return json.loads(ask(req.params["text"]))["choices"][0]["message"]["content"]

@app.route(route="stream")
def streams(req: func.HttpRequest) -> str:
    return ask(req.params["text"], stream=True)
"""


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
def test_the_apps_own_calls_are_answered_too(pytester: pytest.Pytester, channel: str) -> None:
    check(
        pytester,
        """
        async def test_it(functions_app, models):
            models.on("hi").says("from the test").then_says("in parts")
            answer = await functions_app.get("/api/ask", params={"text": "hi"})
            assert await answer.text() == "from the test"
            streamed = await (await functions_app.get("/api/stream", params={"text": "hi"})).text()
            assert "in" in streamed and "data: [DONE]" in streamed
            assert [request.user for request in models.requests] == ["hi", "hi"]

        @pytest.mark.functions_app(settings={"OPENAI_API_KEY": "sk-0123456789abcdef0123456789"})
        async def test_no_key_leads_to_a_service(functions_app):
            answer = await functions_app.get("/api/ask", params={"text": "Hello"})
            assert answer.status == 200 and "offline" in await answer.text()
        """,
        f"--functions-channel={channel}",
        app=OWN_CALLS,
    )


def test_an_app_runs_where_nothing_may_listen(pytester: pytest.Pytester) -> None:
    check(
        pytester,
        """
        import socket
        from emulator.testing import startup

        @pytest.fixture(autouse=True)
        def closed(monkeypatch):
            def refuse(address, port):
                raise RuntimeError("the network is closed")
            monkeypatch.setattr(startup, "listen", refuse)

        async def test_it(functions_app):
            assert (await functions_app.get("/api/hello")).status == 200
        """,
        app=HELLO,
    )
