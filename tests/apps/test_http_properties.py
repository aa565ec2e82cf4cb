"""Whatever is sent arrives, and whatever an app's files say, the host lives and tells."""

from __future__ import annotations

import base64
import json
import string
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.support.hosted import HEAD, hosted, send
from tests.support.serving import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + """
import base64, json


@app.route(route="echo/{first}/{second?}")
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "route": dict(req.route_params),
        "params": dict(req.params),
        "headers": dict(req.headers),
        "url": req.url,
        "body": base64.b64encode(req.get_body()).decode(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="back")
async def back(req: func.HttpRequest) -> func.HttpResponse:
    wanted = req.get_json()
    return func.HttpResponse(
        base64.b64decode(wanted["body"]),
        status_code=wanted["status"],
        headers=wanted["headers"],
        mimetype="x/y",
    )
"""
)

host = hosted({"function_app.py": CODE}, channels=("inprocess",))

chars = st.characters(exclude_categories=["Cs"])
texts = st.text(chars, max_size=20)
segments = st.text(chars, min_size=1, max_size=20).filter(lambda text: text not in {".", ".."})
header_values = st.text(
    string.ascii_letters + string.digits + string.punctuation + " \t", max_size=30
).map(lambda text: text.strip())
header_names = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=15).map(
    lambda text: f"X-{text}"
)
headers = st.dictionaries(header_names, header_values, max_size=5).filter(
    lambda given: len({name.lower() for name in given}) == len(given)
)
few = settings(max_examples=150, deadline=None)


@few
@given(first=segments, second=st.none() | segments, query=st.lists(st.tuples(texts, texts)))
async def test_addresses_arrive_decoded(
    host: Served, first: str, second: str | None, query: list[tuple[str, str]]
) -> None:
    path = "/api/echo/" + quote(first, safe="")
    path += "" if second is None else "/" + quote(second, safe="")
    target = path + (f"?{urlencode(query)}" if query else "")
    seen = (await send(host, "GET", target)).json
    expected = {"first": first.replace("/", "%2F")}
    if second is not None:
        expected["second"] = second.replace("/", "%2F")
    assert seen["route"] == expected
    assert seen["url"] == host.url + target
    assert seen["params"] == joined(query)


def joined(query: list[tuple[str, str]]) -> dict[str, str]:
    """Say once more what Azure makes of a query, in other words than the host."""
    names = list(dict.fromkeys(name.lower() for name, value in query if value))
    return {
        next(name for name, value in query if value and name.lower() == wanted): ",".join(
            value for name, value in query if value and name.lower() == wanted
        )
        for wanted in names
    }


@few
@given(
    given=headers, body=st.binary(max_size=300), method=st.sampled_from(["POST", "PUT", "PATCH"])
)
async def test_headers_and_bodies_arrive(
    host: Served, given: dict[str, str], body: bytes, method: str
) -> None:
    seen = (await send(host, method, "/api/echo/x", data=body, headers=given)).json
    assert base64.b64decode(seen["body"]) == body
    for name, value in given.items():
        assert seen["headers"][name.lower()] == value


@few
@given(
    given=headers,
    body=st.binary(max_size=300),
    status=st.integers(200, 999).filter(lambda status: status not in {204, 205, 304}),
)
async def test_responses_come_back(
    host: Served, given: dict[str, str], body: bytes, status: int
) -> None:
    wanted = {"status": status, "headers": given, "body": base64.b64encode(body).decode()}
    answer = await host.post("/api/back", json=wanted)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers["Content-Type"] == "x/y"
    for name, value in given.items():
        assert answer.headers[name] == value


# files of any shape


def objects(*names: str) -> SearchStrategy[Any]:
    """Return JSON values in which the given names are likely."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-5, 10**20)
        | st.floats(allow_nan=False)
        | st.sampled_from(["in", "out", "inout", "$return", "req", "httpTrigger", "http", "2.0",
                           "true", "00:00:10", "%X%", "{a}", "%", "{", "anonymous", "get"])
        | texts
    )  # fmt: skip
    keys = st.sampled_from(names) | texts
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=12,
    )


bindings = objects("type", "name", "direction", "route", "methods", "authLevel", "dataType")
function_json = st.one_of(
    objects("bindings", "scriptFile", "entryPoint", "disabled", "retry", "strategy"),
    st.fixed_dictionaries(
        {"bindings": st.lists(bindings, max_size=3)},
        optional={"scriptFile": texts, "entryPoint": texts, "retry": bindings},
    ),
    st.builds(
        lambda extra, more: {
            "bindings": [
                {"type": "httpTrigger", "direction": "in", "name": "req", **extra},
                {"type": "http", "direction": "out", "name": "$return", **more},
            ]
        },
        st.dictionaries(st.sampled_from(["route", "methods", "authLevel", "name"]), bindings),
        st.dictionaries(st.sampled_from(["name", "type", "direction"]), bindings),
    ),
)
host_json = st.one_of(
    objects("version", "extensions", "http", "routePrefix", "logging", "logLevel", "functions"),
    st.fixed_dictionaries(
        {"version": st.just("2.0")},
        optional={
            name: objects("http", "routePrefix", "customHeaders", "hsts", "maxConcurrentRequests",
                          "default", "strategy", "maxRetryCount", "id", "version")
            for name in ("extensions", "logging", "functionTimeout", "functions", "retry",
                         "extensionBundle", "watchDirectories", "concurrency", "tracing")
        },
    ),
)  # fmt: skip
local_settings = objects("Values", "IsEncrypted", "Host", "CORS", "LocalHttpPort",
                         "AzureWebJobs.f.Disabled", "FUNCTIONS_WORKER_RUNTIME",
                         "ConnectionStrings", "PYTHON_THREADPOOL_THREAD_COUNT")  # fmt: skip
HTTP = {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"}
GOOD = json.dumps({"bindings": [HTTP, {"type": "http", "direction": "out", "name": "$return"}]})
shapes = settings(max_examples=25, deadline=None)


def written(value: Any, broken: int | None) -> str:
    """Return the JSON of `value`, cut off after some of its text."""
    text = json.dumps(value)
    return text if broken is None else text[: broken % (len(text) + 1)]


async def lives(files: dict[str, str]) -> None:
    """Serve an app and see that the host answers, and that no failure is its own."""
    with TemporaryDirectory() as name:
        app = Path(name)
        for path, text in files.items():
            (app / path).parent.mkdir(parents=True, exist_ok=True)
            (app / path).write_text(text, encoding="utf-8")
        try:
            async with served(app, channel="inprocess") as host:
                status = await host.get("/admin/host/status")
                assert status.json["state"] in {"Running", "Error"}
                assert (await host.get("/admin/functions")).status == 200
                assert (await host.get("/")).status in {200, 204, 503}
                for path in ("/api/f", "/api/good", "/f"):
                    assert (await host.post(path, data=b"{}")).status < 600
                assert "funcemu itself failed" not in host.printed
                assert "Traceback" not in host.printed.replace("Stack: Traceback", "")
        except Exception as error:
            from emulator.errors import EmulatorError

            if not isinstance(error, EmulatorError):  # told to the user in one sentence
                raise


cuts = st.none() | st.integers(0, 500)


@shapes
@given(value=function_json, broken=cuts)
async def test_a_function_json_of_any_shape_is_understood_or_told(
    value: Any, broken: int | None
) -> None:
    await lives(
        {
            "host.json": '{"version": "2.0"}',
            "f/function.json": written(value, broken),
            "f/__init__.py": "def main(req):\n    return 'x'\n",
            "good/function.json": GOOD,
            "good/__init__.py": "def main(req):\n    return 'x'\n",
        }
    )


@shapes
@given(value=host_json, broken=cuts)
async def test_a_host_json_of_any_shape_is_understood_or_told(
    value: Any, broken: int | None
) -> None:
    await lives(
        {
            "host.json": written(value, broken),
            "good/function.json": GOOD,
            "good/__init__.py": "def main(req):\n    return 'x'\n",
        }
    )


@shapes
@given(value=local_settings, broken=cuts)
async def test_local_settings_of_any_shape_are_understood_or_told(
    value: Any, broken: int | None
) -> None:
    await lives(
        {
            "host.json": '{"version": "2.0"}',
            "local.settings.json": written(value, broken),
            "good/function.json": GOOD,
            "good/__init__.py": "def main(req):\n    return 'x'\n",
        }
    )
