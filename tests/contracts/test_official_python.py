"""Azure's own workers for Python, those that PyPI has, run real apps here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.workers.functionrpc.protocol import Protocol
from emulator.workers.functionrpc.schema import PACKAGE, STREAM_METHOD
from tests.support.official_python import RUNTIME, WORKER, Package, described, settings
from tests.support.serving import served, write_app

TYPES = {5: "int32", 1: "double", 3: "int64", 8: "bool", 9: "string", 12: "bytes", 18: "sint64"}
HTTP = (
    '{"bindings": [{"type": "httpTrigger", "direction": "in", "name": "req", "authLevel":'
    ' "anonymous", "route": "%s"}, {"type": "http", "direction": "out", "name": "$return"}%s]}'
)
BODIES = """
import asyncio, json, logging, os, time
import azure.functions as func

def hello(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("shop").warning("greeting %s", req.params.get("name"))
    print("printed")
    told = {"method": req.method, "who": req.route_params.get("who"), "url": req.url,
            "body": req.get_body().decode(), "setting": os.environ.get("MINE")}
    return func.HttpResponse(json.dumps(told), status_code=202, mimetype="application/json",
                             headers={"x-mine": "é".encode("ascii", "xmlcharrefreplace").decode()})

def fails(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("boom")

async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(60)

def post(req: func.HttpRequest, state: str) -> func.HttpResponse:
    return func.HttpResponse(json.loads(state)["recentMessages"][-1]["content"])

def add(todo: str) -> str:
    logging.info("adding %s", todo)
    return "added"
"""
POST = (
    '{"type": "assistantPost", "direction": "in", "name": "state", "id": "{id}", "userMessage":'
    ' "{Query.message}", "chatModel": "m"}'
)
CREATE = '{"type": "assistantCreate", "direction": "out", "name": "made"}'
DECORATED = """
import azure.functions as func
from shared import add, fails, hello, post, slow

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.route(route="hello/{who?}")(hello)
app.route(route="fails")(fails)
app.route(route="slow")(slow)
app.generic_input_binding(arg_name="state", type="assistantPost", id="{id}", chatModel="m",
                          userMessage="{Query.message}")(app.route(route="post/{id}")(post))
app.generic_trigger(arg_name="todo", type="assistantSkillTrigger",
                    functionDescription="Adds a todo")(add)

@app.route(route="create/{id}")
@app.generic_output_binding(arg_name="made", type="assistantCreate")
def create(req: func.HttpRequest, made: func.Out[str]) -> func.HttpResponse:
    made.set('{"id": "%s", "instructions": "Be kind."}' % req.route_params["id"])
    return func.HttpResponse("made", status_code=201)
"""


def _app(folder: Path, package: Package) -> Path:
    """Write the same functions in the model that the worker knows."""
    files = {"host.json": '{"version": "2.0", "functionTimeout": "00:00:01"}', "shared.py": BODIES}
    if package is RUNTIME:
        return write_app(folder, {**files, "function_app.py": DECORATED})
    for name, route, more in (
        ("hello", "hello/{who?}", ""),
        ("fails", "fails", ""),
        ("slow", "slow", ""),
        ("post", "post/{id}", f", {POST}"),
        ("create", "create/{id}", f", {CREATE}"),
    ):
        files[f"{name}/function.json"] = HTTP % (route, more)
        files[f"{name}/__init__.py"] = f"from shared import {name} as main\n"
    files["add/function.json"] = (
        '{"bindings": [{"type": "assistantSkillTrigger", "direction": "in", "name": "todo",'
        ' "functionDescription": "Adds a todo"}]}'
    )
    files["add/__init__.py"] = "from shared import add as main\n"
    files["create/__init__.py"] = (
        "import azure.functions as func\n\n"
        "def main(req: func.HttpRequest, made: func.Out[str]) -> func.HttpResponse:\n"
        '    made.set(\'{"id": "%s", "instructions": "Be kind."}\''
        ' % req.route_params["id"])\n'
        '    return func.HttpResponse("made", status_code=201)\n'
    )
    return write_app(folder, files)


@pytest.fixture(params=[WORKER, RUNTIME], ids=lambda each: each.name)
def package(request: Any) -> Package:
    return request.param  # type: ignore[no-any-return]  # the parameter


async def test_an_app_runs_by_the_official_worker(package: Package, tmp_path: Path) -> None:
    """Calls, settings, logs, failures, assistants, timeouts and edits, as with our worker."""
    app = _app(tmp_path, package)
    given = {**settings(package), "MINE": "yes", "FUNCTIONS_WORKER_RUNTIME": "python"}
    async with served(app, settings=given, watch=True) as host:
        await host.until_printed("official worker")
        answer = await host.post("/api/hello/you?name=Mia", data=b"hi")
        assert (answer.status, answer.headers["x-mine"]) == (202, "&#233;")
        assert answer.json == {
            "method": "POST",
            "who": "you",
            "url": f"{host.url}/api/hello/you?name=Mia",
            "body": "hi",
            "setting": "yes",
        }
        await host.until_printed("greeting Mia")
        await host.until_printed("printed")
        assert (await host.get("/api/fails")).status == 500
        await host.until_printed("ValueError: boom")
        await host.until_printed('shared.py", line')
        assert (await host.post("/api/create/a1")).status == 201
        said = await host.post("/api/post/a1?message=Hello there")
        assert said.status == 200
        assert said.text.startswith("Hello! I can add a todo")
        await host.post("/api/post/a1?message=Add a todo: buy milk")
        await host.until_printed("adding ")
        assert (await host.get("/api/slow")).status == 500
        await host.until_printed("Timeout value of 00:00:01 exceeded")
        assert (await host.get("/api/hello")).status == 202  # by another worker
        shared = app / "shared.py"
        changed = shared.read_text("utf-8").replace("status_code=202", "status_code=203")
        shared.write_text(changed, "utf-8")
        await host.until_printed("Reloaded")
        assert (await host.get("/api/hello")).status == 203


async def test_a_mistake_of_the_app_is_told(package: Package, tmp_path: Path) -> None:
    app = _app(tmp_path, package)
    (app / "shared.py").write_text("import nothing_like_it\n", "utf-8")
    async with served(app, settings=settings(package)) as host:
        await host.until_printed("nothing_like_it")
        assert (await host.get("/api/hello")).status in (500, 503)


def test_every_field_of_the_official_package_is_ours() -> None:
    """Messages, fields with number, type, label and oneof, and the values of enums."""
    theirs = described()
    pool = Protocol().pool
    assert theirs["method"] == STREAM_METHOD
    missing = []
    for name, fields in theirs["messages"].items():
        ours = _fields(pool.FindMessageTypeByName(name))
        missing += [f"{name}: {field}" for field in map(tuple, fields) if field not in ours]
    for name, values in theirs["enums"].items():
        ours_too = {each.name: each.number for each in pool.FindEnumTypeByName(name).values}
        missing += [f"{name}: {each}" for each in values.items() if each not in ours_too.items()]
    assert missing == [
        # Today this field is one of two; on the wire that makes no difference.
        f"{PACKAGE}.ParameterBinding: ('data', 2, '{PACKAGE}.TypedData', False, '')",
    ]
    assert len(theirs["messages"]) > 30


def _fields(message: Any) -> set[tuple[str, int, str, bool, str]]:
    return {
        (
            each.name,
            each.number,
            _type(each),
            bool(each.is_repeated),
            each.containing_oneof.name if each.containing_oneof else "",
        )
        for each in message.fields
    }


def _type(field: Any) -> str:
    if field.message_type:
        return str(field.message_type.full_name)
    return str(field.enum_type.full_name if field.enum_type else TYPES[field.type])
