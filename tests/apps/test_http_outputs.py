"""HTTP functions with other inputs and outputs: what reaches them, what they write, what fails."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.hosted import HEAD, hosted, kept_by
from tests.support.serving import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"}
RETURN = {"type": "http", "direction": "out", "name": "$return"}
OUT = "import azure.functions as func\n"


def folder(name: str, code: str, *bindings: dict[str, Any], **trigger: Any) -> dict[str, str]:
    everything = [{**REQUEST, **trigger}, *bindings]
    return {
        f"{name}/function.json": json.dumps({"bindings": everything}),
        f"{name}/__init__.py": OUT + code,
    }


def kept(path: str, name: str = "sink", **more: Any) -> dict[str, Any]:
    return {"type": "kept", "direction": "out", "name": name, "path": path, **more}


def canned(value: str, kind: str = "text", name: str = "x") -> dict[str, Any]:
    return {"type": "canned", "direction": "in", "name": name, "value": value, "kind": kind}


SETS = "def main(req, sink: func.Out[str]) -> str:\n    sink.set('{value}')\n    return 'done'\n"
SHOWS = "def main(req, x) -> str:\n    return f'{type(x).__name__} {x}'\n"

FILES = (
    folder("by_body", SETS, RETURN, kept("%Q%-{id}"))
    | folder("by_route", SETS, RETURN, kept("c/{id}"), route="x/{id}")
    | folder("by_query", SETS, RETURN, kept("{Query.who}/{who}"))
    | folder("by_header", SETS, RETURN, kept("{Headers.x-who}|{headers.X-Who}"))
    | folder("by_member", SETS, RETURN, kept("{customer.name.first}"))
    | folder("by_system", SETS, RETURN, kept("{sys.methodname}"))
    | folder("by_optional", SETS, RETURN, kept("o-{part}"), route="by_optional/{part?}")
    | folder("by_missing", SETS, RETURN, kept("out/{missing}"))
    | folder("by_missing_member", SETS, RETURN, kept("{Query.absent}"))
    | folder("by_setting", SETS, RETURN, kept("%Missing%"))
    | folder("by_code", SETS, RETURN, kept("{code}"))
    | folder("fails", SETS, RETURN, kept("fail"))
    | folder("crashes", SETS, RETURN, kept("crash"))
    | folder(
        "one_fails",
        "def main(req, a: func.Out[str], b: func.Out[str]) -> str:\n"
        "    a.set('a')\n    b.set('b')\n    return 'done'\n",
        RETURN, kept("fail", "a"), kept("good", "b"),
    )
    | folder(
        "raises",
        "def main(req, sink: func.Out[str]):\n    sink.set('x')\n    raise OSError('no')\n",
        RETURN, kept("p"),
    )
    | folder("unset", "def main(req, sink: func.Out[str]) -> str:\n    return 'done'\n",
             RETURN, kept("p"))
    | folder("nulled", "def main(req, sink: func.Out[str]) -> str:\n    sink.set(None)\n"
             "    return 'done'\n", RETURN, kept("p"))
    | folder(
        "kinds",
        "values = {'text': 'x', 'bytes': b'\\x00\\xff', 'dict': {'a': [1]}, 'list': [1, 'b'],\n"
        "          'int': 7, 'float': 2.5, 'bool': True}\n"
        "def main(req, sink: func.Out[str]) -> str:\n"
        "    sink.set(values[req.params['as']])\n    return 'done'\n",
        RETURN, kept("{as}"),
    )
    | folder("bad_kind", "def main(req, sink: func.Out[str]) -> str:\n    sink.set({1, 2})\n"
             "    return 'done'\n", RETURN, kept("p"))
    | folder("late", SETS, RETURN, kept("late", wait=30))
    | folder(
        "both_orders", "def main(req, x) -> str:\n    return f'http {x}'\n",
        canned("1"), RETURN,
    )
    | folder("text_in", SHOWS, RETURN, canned("hi {name}"))
    | folder("json_in", SHOWS, RETURN, canned('{{"a": 1}}', "json"))
    | folder("bytes_in", SHOWS, RETURN, canned("raw", "bytes"))
    | folder("none_in", SHOWS, RETURN, canned("", "none"))
    | folder("int_in", SHOWS, RETURN, canned("3", "int"))
    | folder("list_in", SHOWS, RETURN, canned("a,b", "list"))
    | folder("failing_in", SHOWS, RETURN, canned("treasure", "failing"))
    | folder("crashing_in", SHOWS, RETURN, canned("", "crashing"))
    # a $return that is not HTTP is answered, too
    | folder("elsewhere", "def main(req):\n    return req.params.get('say')\n",
             kept("elsewhere", "$return"))
    | folder("elsewhere_json", "def main(req):\n    return {'body': 1, 'ä': 'é'}\n",
             kept("elsewhere", "$return"))
    | folder("elsewhere_bytes", "def main(req):\n    return b'\\x00\\x01'\n",
             kept("elsewhere", "$return"))
    | folder("elsewhere_number", "def main(req):\n    return 5\n", kept("elsewhere", "$return"))
    | folder(
        "elsewhere_and_http",
        "def main(req, res: func.Out[func.HttpResponse]):\n"
        "    res.set(func.HttpResponse('mine', status_code=202))\n    return 'theirs'\n",
        kept("elsewhere", "$return"), {**RETURN, "name": "res"},
    )
    # without $return an object is spread over the outputs
    | folder(
        "spread", "def main(req, o: func.Out[str], res: func.Out[str]):\n"
        "    return {'o': 'x', 'res': {'status': 202, 'body': 'spread'}, 'other': 1}\n",
        kept("spread", "o"), {**RETURN, "name": "res"},
    )
)  # fmt: skip

host = hosted(FILES, settings={"Q": "orders"})


async def test_a_setting_and_the_body_name_an_output(host: Served) -> None:
    answer = await host.post("/api/by_body", json={"id": "7"})
    assert (answer.status, answer.text) == (200, "done")
    assert kept_by(host, "by_body") == [("orders-7", "text", "{value}")]


async def test_the_route_wins_over_the_query_and_the_query_over_the_body(host: Served) -> None:
    await host.post("/api/x/route?id=q", json={"id": "body"})
    assert kept_by(host, "by_route")[-1][0] == "c/route"
    await host.post("/api/by_body?ID=q", json={"id": "body"})
    assert kept_by(host, "by_body")[-1][0] == "orders-q"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"id": 5}', "orders-5"),
        ('{"id": true}', "orders-True"),
        ('{"ID": "x"}', "orders-x"),
        (' \n{"id": "padded"}', "orders-padded"),
        ('{"id": 1.5}', "orders-1.5"),
        ('{"id": "%Q%{id}"}', "orders-%Q%{id}"),
    ],
)
async def test_members_of_the_body_become_text(host: Served, body: str, expected: str) -> None:
    assert (await host.post("/api/by_body", data=body)).status == 200
    assert kept_by(host, "by_body")[-1][0] == expected


@pytest.mark.parametrize(
    "body",
    ["", "text", "[1]", '{"id"', '{"id": null}', '{"id": [1]}', "\xff", '{"a":' * 9999],
    ids=["empty", "text", "array", "broken", "null", "list", "bytes", "nested"],
)
async def test_a_body_without_the_member_fails_the_call_and_is_told(
    host: Served, body: str
) -> None:
    answer = await host.post("/api/by_body", data=body.encode("latin-1"))
    assert (answer.status, answer.body) == (500, b"")
    await host.until_printed("No value for named parameter 'id'.")
    assert "Traceback" not in host.printed.replace("Stack: Traceback", "")


async def test_of_a_repeated_query_value_the_last_one_counts(host: Served) -> None:
    await host.get("/api/by_query?who=first&who=last")
    assert kept_by(host, "by_query")[-1][0] == "last/last"
    await host.get("/api/by_query?who=")
    assert kept_by(host, "by_query")[-1][0] == "/"


async def test_headers_are_found_without_case(host: Served) -> None:
    await host.get("/api/by_header", headers={"X-WHO": "me"})
    assert kept_by(host, "by_header")[-1][0] == "me|me"


async def test_members_of_members_are_reached(host: Served) -> None:
    await host.post("/api/by_member", json={"customer": {"Name": {"first": "Ada"}}})
    assert kept_by(host, "by_member")[-1][0] == "Ada"


async def test_the_function_s_own_name_is_known(host: Served) -> None:
    await host.get("/api/by_system")
    assert kept_by(host, "by_system")[-1][0] == "by_system"


async def test_an_absent_optional_parameter_is_empty(host: Served) -> None:
    await host.get("/api/by_optional")
    assert kept_by(host, "by_optional")[-1][0] == "o-"
    await host.get("/api/by_optional/here")
    assert kept_by(host, "by_optional")[-1][0] == "o-here"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("by_missing", "No value for named parameter 'missing'."),
        ("by_missing_member", "Error while accessing 'absent': property doesn't exist."),
        ("by_setting", "'%Missing%' does not resolve to a value."),
        ("by_code?code=k", "No value for named parameter 'code'."),
        ("fails", "the store is closed (binding 'sink' of type 'kept') Open it."),
        ("crashes", "The binding 'sink' of type 'kept' failed unexpectedly: ZeroDivisionError"),
        ("failing_in", "nothing called 'treasure' is there (binding 'x' of type 'canned')"),
        ("crashing_in", "The binding 'x' of type 'canned' failed unexpectedly: ZeroDivisionError"),
        ("bad_kind", 'for Python type "set"'),
        ("int_in", "NotImplementedError: unsupported TypeData kind: int"),
        (
            "list_in",
            'ValueError: unexpected type of data received for the "generic" binding : '
            "'collection_string'",
        ),
    ],
)
async def test_a_binding_that_fails_fails_its_call_only(host: Served, path: str, told: str) -> None:
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.body) == (500, b"")
    await host.until_printed(told)
    name = path.partition("?")[0]
    await host.until_printed(f"Executed 'Functions.{name}' (Failed, Id=")
    assert (await host.get("/api/text_in?name=x")).status == 200


async def test_when_one_output_fails_the_others_are_still_written(host: Served) -> None:
    assert (await host.get("/api/one_fails")).status == 500
    assert kept_by(host, "one_fails") == [("good", "text", "b")]


@pytest.mark.parametrize(("path", "status"), [("raises", 500), ("unset", 200), ("nulled", 200)])
async def test_what_is_not_returned_well_is_not_written(
    host: Served, path: str, status: int
) -> None:
    assert (await host.get(f"/api/{path}")).status == status
    assert kept_by(host, path) == []


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("text", "text", "x"),
        ("bytes", "bytes", base64.b64encode(b"\x00\xff").decode()),
        ("dict", "json", '{"a": [1]}'),
        ("list", "json", '[1, "b"]'),
        ("int", "int", 7),
        ("float", "float", 2.5),
        ("bool", "int", 1),
    ],
)
async def test_values_reach_an_output_by_kind(
    host: Served, name: str, kind: str, value: object
) -> None:
    assert (await host.get(f"/api/kinds?as={name}")).status == 200
    assert kept_by(host, "kinds")[-1] == (name, kind, value)


async def test_the_answer_waits_for_the_outputs(host: Served) -> None:
    assert (await host.get("/api/late")).status == 200
    assert kept_by(host, "late") == [("late", "text", "{value}")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("text_in?name=Amy", "str hi Amy"),
        ("json_in", 'str {"a": 1}'),
        ("bytes_in", "bytes b'raw'"),
        ("none_in", "NoneType None"),
        ("both_orders", "http 1"),
    ],
)
async def test_inputs_arrive_as_the_worker_would_show_them(
    host: Served, path: str, text: str
) -> None:
    assert (await host.get(f"/api/{path}")).text == text


async def test_what_is_returned_to_another_binding_is_answered_as_well(host: Served) -> None:
    answer = await host.get("/api/elsewhere?say=" + '{"body":1}')
    assert (answer.status, answer.text) == (200, '{"body":1}')
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert kept_by(host, "elsewhere") == [("elsewhere", "text", '{"body":1}')]
    silent = await host.get("/api/elsewhere")
    assert (silent.status, silent.body) == (204, b"")
    assert len(kept_by(host, "elsewhere")) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("elsewhere_json", {"body": 1, "ä": "é"}),
        ("elsewhere_bytes", "AAE="),
        ("elsewhere_number", 5),
    ],
)
async def test_other_values_for_another_binding_are_answered_as_json(
    host: Served, path: str, value: object
) -> None:
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.json) == (200, value)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_an_http_output_wins_over_what_is_returned_elsewhere(host: Served) -> None:
    answer = await host.get("/api/elsewhere_and_http")
    assert (answer.status, answer.text) == (202, "mine")
    assert kept_by(host, "elsewhere_and_http") == [("elsewhere", "text", "theirs")]


async def test_without_a_return_binding_an_object_is_spread_over_the_outputs(
    host: Served,
) -> None:
    answer = await host.get("/api/spread")
    assert (answer.status, answer.text) == (202, "spread")
    assert kept_by(host, "spread") == [("spread", "text", "x")]


ROUTED = (
    HEAD
    + """
@app.route(route="v2")
@app.generic_input_binding(arg_name="given", type="canned", value="for {name}")
@app.generic_output_binding(arg_name="first", type="kept", path="one/{name}")
@app.generic_output_binding(arg_name="second", type="kept", path="two/{name}")
async def v2(req: func.HttpRequest, given: str, first: func.Out[str], second: func.Out[bytes]):
    first.set(given)
    second.set(b"raw")
    return func.HttpResponse(given)
"""
)

decorated = hosted({"function_app.py": ROUTED})


async def test_the_decorator_model_binds_the_same(decorated: Served) -> None:
    answer = await decorated.get("/api/v2?name=Amy")
    assert answer.text == "for Amy"
    assert sorted(kept_by(decorated, "v2")) == [
        ("one/Amy", "text", "for Amy"),
        ("two/Amy", "bytes", base64.b64encode(b"raw").decode()),
    ]
