"""Requests to runs and results to responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bindings.http import HttpOutput, HttpTrigger, HttpTriggerOptions, response
from emulator.sdk import (
    NONE,
    BindingError,
    BindingModel,
    Datum,
    Direction,
    FunctionModel,
    HttpRequestData,
    HttpResponseData,
    InvocationResult,
    NoOptions,
)

TEXT = ("content-type", "text/plain; charset=utf-8")
JSON = ("content-type", "application/json; charset=utf-8")


def trigger(*outputs: str, name: str = "Fn", **options: Any) -> HttpTrigger:
    declared = BindingModel("req", "httpTrigger", Direction.IN)
    bindings = [declared]
    bindings += [BindingModel(each, "http", Direction.OUT) for each in outputs]
    function = FunctionModel(name, tuple(bindings), Path("/app"), "f.py", "main", "v1")
    return HttpTrigger(
        function=function,
        declared=declared,
        options=HttpTriggerOptions(**options),
        services=None,
        extension=None,
    )


def request(body: bytes = b"", query: str = "", **params: str) -> HttpRequestData:
    url = f"http://localhost/api/x{'?' if query else ''}{query}"
    return HttpRequestData("POST", url, {"x-a": "1"}, {}, params, body)


def data(made: HttpTrigger, asked: HttpRequestData) -> dict[str, Any]:
    return dict(made.fired(asked).data())


# the trigger


def test_the_route_is_the_name_of_the_function_unless_given() -> None:
    assert trigger(name="MyFn").routes()[0].template == "MyFn"
    assert trigger(route="").routes()[0].template == "Fn"
    assert trigger(route="a/{b}").routes()[0].template == "a/{b}"


def test_methods_are_compared_without_case_and_none_means_all() -> None:
    assert trigger().routes()[0].methods is None
    assert trigger(methods=["get", "Post"]).routes()[0].methods == {"GET", "POST"}
    assert trigger(methods=[]).routes()[0].methods == frozenset()


@pytest.mark.parametrize("level", ["anonymous", "USER", "Function", "system", "ADMIN"])
def test_levels_are_read_without_case(level: str) -> None:
    assert trigger(auth_level=level).routes()[0].auth_level == level.lower()


@pytest.mark.parametrize("level", ["", "none", "anonymous "])
def test_a_level_that_does_not_exist_is_refused_with_those_that_do(level: str) -> None:
    with pytest.raises(BindingError, match="'authLevel' of enum type AuthorizationLevel") as raised:
        trigger(auth_level=level)
    assert "anonymous, user, function" in (raised.value.hint or "")


def test_a_run_by_hand_is_a_post_with_the_text_as_its_body() -> None:
    fired = trigger(route="r").manual("hi")
    assert fired.value.kind == "http"
    assert fired.value.value.method == "POST"
    assert fired.value.value.body == b"hi"
    assert trigger().manual("").value.value.headers == {}


# what {…} can refer to


def test_routes_win_over_the_query_and_the_query_over_the_body() -> None:
    asked = request(b'{"a": "body", "b": "body", "c": "body"}', "a=query&b=query", A="route")
    found = data(trigger(), asked)
    assert {name.lower(): found[name] for name in found if len(name) == 1} == {
        "a": "route",
        "b": "query",
        "c": "body",
    }


def test_of_a_repeated_query_value_the_last_counts_and_empty_ones_are_there() -> None:
    found = data(trigger(), request(query="a=1&a=2&b="))
    assert (found["a"], found["b"]) == ("2", "")
    assert found["Query"] == {"a": "2", "b": ""}


def test_the_function_key_is_no_data() -> None:
    assert not {"code", "Code", "CODE"} & data(trigger(), request(query="Code=k")).keys()


def test_an_optional_parameter_is_there_without_a_value() -> None:
    made = trigger(route="a/{Id:int?}/{my-name?}/{x:regex(^\\d{{2}}$)?}/{y}")
    assert {name: data(made, request())[name] for name in ("Id", "my-name", "x")} == {
        "Id": None,
        "my-name": None,
        "x": None,
    }
    assert "y" not in data(made, request())
    assert data(made, request(id="5"))["id"] == "5"
    assert "Id" not in data(made, request(id="5"))


def test_headers_and_query_are_groups_unless_the_request_hides_them() -> None:
    found = data(trigger(), request(b'{"headers": {"x": 1}, "QUERY": "own"}'))
    assert found["headers"] == {"x": 1}
    assert found["QUERY"] == "own"
    assert "Headers" not in found
    assert data(trigger(), request())["Headers"] == {"x-a": "1"}


@pytest.mark.parametrize(
    ("body", "members"),
    [
        (b'{"t": "x"}', {"t": "x"}),
        (b' \r\n{"n": 5, "f": 1.5, "b": true, "o": {"p": 1}}',
         {"n": "5", "f": "1.5", "b": "True", "o": {"p": 1}}),
        (b'{"l": [1], "z": null}', {}),
        (b"[1]", {}),
        (b"{", {}),
        (b'{"a": ' * 5000, {}),
        (b"\xff\xfe", {}),
        (b'{"\xff": 1}', {}),
        (b"", {}),
    ],
)  # fmt: skip
def test_members_of_a_json_object_are_data(body: bytes, members: dict[str, Any]) -> None:
    found = data(trigger(), request(body))
    assert {k: v for k, v in found.items() if k not in {"Query", "Headers"}} == members


# responses


def test_an_http_value_is_passed_on() -> None:
    value = HttpResponseData(418, (("x", "y"),), b"z")
    assert response(Datum("http", value)) is value


@pytest.mark.parametrize(
    "text",
    ["", "x", "{", "{}", '{"status": 404}', "[1]", "null", '"q"', "true", '{"a":' * 9999, "ü✓"],
)
def test_text_is_sent_unchanged(text: str) -> None:
    assert response(Datum("text", text)) == HttpResponseData(200, (TEXT,), text.encode())


def described(**members: Any) -> HttpResponseData:
    return response(Datum("text", json.dumps(members)))


@pytest.mark.parametrize(
    ("given", "status"),
    [(201, 201), ("202", 202), (" 203 ", 203), (204.0, 204), ("x", 200), (None, 200), ([], 200),
     (1e400, 200), ({}, 200)],
)  # fmt: skip
def test_a_described_status_that_is_no_number_is_200(given: object, status: int) -> None:
    assert described(body="", status=given).status == status
    assert described(Body="", StatusCode=given).status == status


@pytest.mark.parametrize(
    ("body", "sent"),
    [("t", "t"), (None, ""), (5, "5"), (True, "True"), (False, "False"), ({"a": "ü"}, '{"a":"ü"}'),
     ([1, {"b": 2}], '[1,{"b":2}]'), ("", "")],
)  # fmt: skip
def test_a_described_body_becomes_text(body: object, sent: str) -> None:
    assert described(body=body) == HttpResponseData(200, (TEXT,), sent.encode())


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"X-A": "b"}, (("x-a", "b"), TEXT)),
        ({"X-A": 5, "X-B": True, "X-C": None}, (("x-a", "5"), ("x-b", "True"), TEXT)),
        ({"Content-Type": "a/b"}, (("content-type", "a/b; charset=utf-8"),)),
        ({"content-type": "a/b; Charset=x"}, (("content-type", "a/b; Charset=x"),)),
        ([], (TEXT,)),
        ("text", (TEXT,)),
    ],
)
def test_described_headers_are_sent(headers: Any, sent: tuple[tuple[str, str], ...]) -> None:
    assert described(body="", headers=headers).headers == sent


def test_a_described_content_type_cannot_be_null() -> None:
    with pytest.raises(BindingError, match="content-type header cannot be null"):
        described(body="", headers={"Content-Type": None})


def test_described_cookies_are_sent() -> None:
    cookies = [
        {"Name": "a b", "Value": "c;d", "Domain": "x", "Expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"name": "e", "value": "f", "maxAge": 0, "secure": False, "httpOnly": True},
    ]
    sent = [value for name, value in described(body="", cookies=cookies).headers if name != TEXT[0]]
    assert sent == [
        "a%20b=c%3Bd; expires=Thu, 01 Jan 1970 00:00:00 GMT; domain=x; path=/",
        "e=f; max-age=0; path=/; httponly",
    ]


def test_other_kinds_as_http_results() -> None:
    assert response(Datum("bytes", b"\x00")) == HttpResponseData(200, (), b"\x00")
    assert response(Datum("int", 5)).body == b"5"
    with pytest.raises(BindingError, match="Unknown RpcDataType"):
        response(Datum("list", ()))


# answers


def result(returned: Datum = NONE, **outputs: Datum) -> InvocationResult:
    return InvocationResult(returned, outputs)


def test_nothing_at_all_is_204() -> None:
    for made in (trigger(), trigger("$return"), trigger("res")):
        assert made.answer(result()) == HttpResponseData(204)


def test_the_last_output_that_was_set_answers() -> None:
    made = trigger("a", "b")
    both = result(a=Datum("text", "A"), b=Datum("text", "B"))
    assert made.answer(both).body == b"B"
    assert made.answer(result(a=Datum("text", "A"), b=NONE)).body == b"A"


def test_the_returned_value_is_the_answer_of_a_return_binding() -> None:
    described_text = Datum("text", '{"body": "x", "status": 404}')
    assert trigger("$return").answer(result(described_text)).status == 404


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Datum("text", '{"body": "kept"}'),
         HttpResponseData(200, (TEXT,), b'{"body": "kept"}')),
        (Datum("json", '{"body": 1}'), HttpResponseData(200, (JSON,), b'{"body": 1}')),
        (Datum("bytes", b"\x00"), HttpResponseData(200, (JSON,), b'"AA=="')),
        (Datum("float", 1.5), HttpResponseData(200, (JSON,), b"1.5")),
        (Datum("http", HttpResponseData(201)), HttpResponseData(201)),
    ],
)  # fmt: skip
def test_what_is_returned_to_another_binding_is_shown_as_an_object(
    value: Datum, sent: HttpResponseData
) -> None:
    assert trigger().answer(result(value)) == sent
    assert trigger("res").answer(result(value)) == sent


def test_an_object_sets_the_outputs_it_names_without_a_return_binding() -> None:
    value = Datum("json", '{"res": {"status": 202, "body": "x"}, "other": 1}')
    assert trigger("res").answer(result(value)) == HttpResponseData(202, (TEXT,), b"x")
    named = Datum("json", '{"res": "text"}')
    assert trigger("res").answer(result(named)).body == b"text"
    assert trigger("res").answer(result(Datum("json", "[1]"))).body == b"[1]"
    set_too = result(named, res=Datum("text", "set"))
    assert trigger("res").answer(set_too).body == b"set"


async def test_the_output_itself_writes_nothing() -> None:
    declared = BindingModel("res", "http", Direction.OUT)
    function = trigger().function
    made = HttpOutput(
        function=function, declared=declared, options=NoOptions(), services=None, extension=None
    )
    assert not made.writes()
    with pytest.raises(BindingError, match="written by the HTTP trigger"):
        await made.write(None, Datum("text", "x"))
