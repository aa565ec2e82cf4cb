"""Projects with an app and tests of it, run by pytest inside a test."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
pythonpath = .
"""

_WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")
"""Plugins that cost time in every run and have nothing to do with ours."""

HELLO = """
import logging
import os

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello/{name?}")
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("greeting %s", req.route_params.get("name"))
    return func.HttpResponse(f"Hello {req.route_params.get('name', 'you')}")

@app.route(route="echo", methods=["POST", "PUT", "PATCH", "DELETE"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"x-method": req.method}
    return func.HttpResponse(req.get_body(), status_code=201, headers=headers)

@app.route(route="boom")
def boom(req: func.HttpRequest) -> str:
    raise ValueError("the answer is not 42")

@app.route(route="setting")
def setting(req: func.HttpRequest) -> str:
    return os.environ.get("COLOUR", "none")
"""

CHAT = """
import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
notes: list = []

@app.route(route="chats/{id}", methods=["PUT"])
@app.assistant_create_output(arg_name="requests")
def create(req: func.HttpRequest, requests: func.Out[str]) -> str:
    requests.set(json.dumps({"id": req.route_params["id"], "instructions": "Be brief."}))
    return "created"

@app.route(route="chats/{id}", methods=["POST"])
@app.assistant_post_input(
    arg_name="state", id="{id}", user_message="{Query.text}", ai_connection_name="AzureOpenAI",
    chat_model="gpt-4o-mini",
)
def post(req: func.HttpRequest, state: str) -> str:
    return json.loads(state)["recentMessages"][-1]["content"]

@app.assistant_skill_trigger(arg_name="text", function_description="Write a note down")
def AddNote(text: str) -> None:
    notes.append(text)

@app.assistant_skill_trigger(arg_name="ignored", function_description="Read all notes")
def ReadNotes(ignored: str) -> list:
    return notes
"""


def write_project(
    pytester: pytest.Pytester,
    test: str,
    *,
    app: str | Mapping[str, str] = HELLO,
    ini: str = "",
    folder: str = ".",
) -> Path:
    """Write an app and one file of tests beside it; `ini` is added to the ini file."""
    files = {"function_app.py": app} if isinstance(app, str) else dict(app)
    root = pytester.path / folder
    for name, text in {"host.json": '{"version": "2.0"}', **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    (pytester.path / "pytest.ini").write_text(INI + textwrap.dedent(ini), encoding="utf-8")
    head = "import asyncio, io, json, re\nimport pytest\n"
    (pytester.path / "test_it.py").write_text(head + textwrap.dedent(test), encoding="utf-8")
    return root


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the project's tests in this process."""
    return pytester.runpytest_inprocess(*_WITHOUT, *arguments)


def output(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


def check(pytester: pytest.Pytester, test: str, *arguments: str, **project: object) -> str:
    """Run a project of which every test has to pass; return what was printed."""
    write_project(pytester, test, **project)  # type: ignore[arg-type]  # passed on
    result = run(pytester, *arguments)
    outcomes = result.parseoutcomes()
    assert set(outcomes) <= {"passed", "deselected"}, output(result)
    assert outcomes.get("passed"), output(result)
    return output(result)


def failing(pytester: pytest.Pytester, test: str, *arguments: str, **project: object) -> str:
    """Run a project of which every test has to fail; return what was printed."""
    write_project(pytester, test, **project)  # type: ignore[arg-type]  # passed on
    result = run(pytester, *arguments)
    outcomes = result.parseoutcomes()
    assert set(outcomes) <= {"failed", "errors"}, output(result)
    assert outcomes, output(result)
    return output(result)
