"""Every request of every sample's `demo.http`, in its order, offline."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.demo import TODO, DemoRequest, parse_demo, read_demo
from tests.support.serving import FIXTURES, ROOT, served

SAMPLES: Mapping[str, Mapping[str, str]] = {
    "assistant": TODO,
    "assistant_v1": TODO,
    "chat": {
        "Begin a chat with a gardener": '{"chatId": "garden"}',
        "Ask something": "After the last frost",
        "Go on; the chat remembers what it is about": "Seldom and plenty",
        "Read the whole chat": "You are an old gardener.",
        "A chat nobody began is answered with 404": "There is no such chat.",
    },
    "completion": {
        "A prompt made from the route": "You asked about Ada Lovelace.",
        "A prompt from the body; the answer is what the binding delivers": (
            "You asked about the lighthouses of Brittany."
        ),
    },
    "embeddings": {
        "A text, and all that the binding delivers": "The lamp flashes twice",
        "The chunks of a file of this app": "numbered, and carried over",
        "The chunks of a web page; this one is served by the app itself": "numbered, and carried",
    },
    "search": {
        "Store a file": '"status": "success"',
        "And another one": '"status": "success"',
        "Ask about the first": "ten working days",
        "Ask about the second": "On Saturdays it closes at two.",
    },
}
"""What each answer must hold, by the title of its request."""


@pytest.mark.parametrize("sample", SAMPLES)
async def test_the_demo_works_offline_from_the_first_request_to_the_last(
    sample: str, channel: str, tmp_path: Path
) -> None:
    settings = {"TODO_FILE": str(tmp_path / "todos.json")}
    async with served(FIXTURES / sample, channel=channel, settings=settings) as host:
        for request in read_demo(FIXTURES / sample):
            answer = await request.send(host)
            wanted = SAMPLES[sample][request.title]
            assert (answer.status == 404) == ("404" in request.title), request.title
            assert answer.status < 300 or answer.status == 404, request.title
            assert wanted in answer.text, request.title
        await host.until_printed("is not a service address yet")
        assert "Traceback" not in host.printed
        assert not re.search(r"\b(?:error|failed)\b", host.printed, re.IGNORECASE)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_demo_is_covered_by_this_test(sample: str) -> None:
    titles = [request.title for request in read_demo(FIXTURES / sample)]
    assert titles == list(SAMPLES[sample])


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_complete_and_says_what_it_is(sample: str) -> None:
    app = FIXTURES / sample
    settings = (app / "local.settings.json").read_text("utf-8")
    assert '"<your key>"' in settings
    assert json.loads((app / "host.json").read_text("utf-8"))["extensionBundle"]
    assert "azure-functions" in (app / "requirements.txt").read_text("utf-8")
    assert f"fixtures/{sample})" in (ROOT / "README.md").read_text("utf-8")
    if sample != "assistant_v1":
        code = (app / "function_app.py").read_text("utf-8")
        described = code.split('"""')[1]
        routes = re.findall(r'route="([^"{]+)', code)
        assert routes
        assert all(f"/api/{route.rstrip('/')}" in described for route in routes)


def test_a_demo_is_read_as_a_rest_client_reads_it() -> None:
    text = """# A remark

@base = http://localhost:7071
@host = {{base}}/api

### First
GET {{host}}/a?b=c d

### Second
# A remark
POST {{host}}/x
Content-Type: application/json

{"url": "{{host}}/y",

 "z": 1}
"""
    assert parse_demo(text) == [
        DemoRequest("First", "GET", "http://localhost:7071/api/a?b=c d"),
        DemoRequest(
            "Second",
            "POST",
            "http://localhost:7071/api/x",
            {"Content-Type": "application/json"},
            '{"url": "http://localhost:7071/api/y",\n\n "z": 1}',
        ),
    ]
