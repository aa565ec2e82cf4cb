"""HTTP requests and responses as the protocol has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.model import HttpRequestData, HttpResponseData
from emulator.workers.functionrpc.http import fill_request, response_of
from emulator.workers.functionrpc.protocol import Protocol

PROTOCOL = Protocol()
PLAIN = ("content-type", "text/plain; charset=utf-8")


def rpc(request: HttpRequestData, *capabilities: str) -> Any:
    message = PROTOCOL.message("RpcHttp")()
    fill_request(message, request, dict.fromkeys(capabilities, "yes"))
    return message


def answer(accept: str = "", **fields: Any) -> HttpResponseData:
    message = PROTOCOL.message("RpcHttp")()
    body = fields.pop("body", {})
    for kind, value in body.items():
        setattr(message.body, kind, value)
    for name, value in fields.pop("headers", {}).items():
        message.headers[name] = value
    for name, value in fields.items():
        setattr(message, name, value)
    return response_of(message, accept=accept)


# Requests


def test_a_request_has_the_parts_of_the_url_apart() -> None:
    message = rpc(
        HttpRequestData(
            "POST",
            "http://h/api/a%20b?x=1&e=",
            headers={"host": "h", "x-empty": ""},
            query={"x": "1"},
            params={"id": "7"},
        )
    )
    assert (message.method, message.url) == ("POST", "http://h/api/a%20b?x=1&e=")
    assert dict(message.headers) == {"host": "h", "x-empty": ""}
    assert dict(message.query) == {"x": "1"}
    assert dict(message.params) == {"id": "7"}
    assert not message.HasField("body")
    assert not message.HasField("rawBody")


def test_bytes_that_are_no_text_do_not_keep_a_request_from_the_worker() -> None:
    header = {"x-name": b"Jos\xe9".decode("utf-8", "surrogateescape")}
    raw = HttpRequestData("GET", "http://h/caf\udce9?a=\ud800", header, {"a": "\ud800"}, header)
    message = rpc(raw)
    assert message.url == "http://h/caf%E9?a=?"
    assert dict(message.headers) == dict(message.params) == {"x-name": "Jos?"}
    assert dict(message.query) == {"a": "?"}
    message = rpc(raw, "UseNullableValueDictionaryForHttp")
    assert message.nullable_headers["x-name"].value == "Jos?"


def test_empty_values_are_kept_where_the_worker_can_tell_them_from_missing_ones() -> None:
    message = rpc(
        HttpRequestData("GET", "http://h/?x=1&e=", {"a": ""}, {"x": "1"}, {"id": "7"}),
        "UseNullableValueDictionaryForHttp",
    )
    assert {name: each.value for name, each in message.nullable_query.items()} == {
        "x": "1",
        "e": "",
    }
    assert message.nullable_headers["a"].value == ""
    assert message.nullable_headers["a"].HasField("value")
    assert message.nullable_params["id"].value == "7"
    assert not message.query
    assert not message.headers


def test_empty_headers_are_left_out_for_workers_that_want_none() -> None:
    request = HttpRequestData("GET", "http://h/", {"a": "", "b": "1"})
    none, nullable = "IgnoreEmptyValuedRpcHttpHeaders", "UseNullableValueDictionaryForHttp"
    assert dict(rpc(request, none).headers) == {"b": "1"}
    # Azure's host asks for this only where it does not keep them apart.
    assert set(rpc(request, none, nullable).nullable_headers) == {"a", "b"}


JSON, TEXT = b'{"a": 1}', b"caf\xc3\xa9"
BODIES = [
    ("application/json", JSON, ("json", JSON.decode())),
    ("APPLICATION/JSON; charset=utf-8", JSON, ("json", JSON.decode())),
    ("application/json", b"{", ("string", "{")),
    ("text/plain", TEXT, ("string", "café")),
    ("", TEXT, ("string", "café")),
    ("application/octet-stream", TEXT, ("bytes", TEXT)),
    ("multipart/form-data; boundary=x", TEXT, ("bytes", TEXT)),
]


@pytest.mark.parametrize(("content_type", "body", "seen"), BODIES)
def test_a_body_is_what_its_content_type_says(
    content_type: str, body: bytes, seen: tuple[str, Any]
) -> None:
    request = HttpRequestData("POST", "http://h/", {"content-type": content_type}, body=body)
    kind, value = seen
    both = rpc(request)
    assert (both.body.WhichOneof("data"), getattr(both.body, kind)) == (kind, value)
    assert both.rawBody.string == body.decode()
    raw = rpc(request, "RawHttpBodyBytes")
    assert (getattr(raw.body, kind), raw.rawBody.bytes) == (value, body)


def test_json_is_text_for_a_worker_that_wants_the_body_only() -> None:
    """PowerShell's worker takes objects and lists for what they are, and leaves `5` a text."""
    request = HttpRequestData("POST", "http://h/", {"content-type": "application/json"}, body=JSON)
    message = rpc(request, "RpcHttpBodyOnly")
    assert message.body.string == JSON.decode()
    assert not message.HasField("rawBody")
    image = HttpRequestData("POST", "http://h/", {"content-type": "multipart/x"}, body=JSON)
    assert rpc(image, "RpcHttpBodyOnly").body.bytes == JSON


def test_a_request_says_who_calls() -> None:
    """.NET's worker reads all three of each identity."""
    (identity,) = rpc(HttpRequestData("GET", "http://h/")).identities
    assert identity.authentication_type.value == "WebJobsAuthLevel"
    assert identity.name_claim_type.value.endswith("/claims/name")
    assert identity.role_claim_type.value.endswith("/claims/role")
    assert [(each.type[-9:], each.value) for each in identity.claims] == [("authlevel", "Admin")]


def test_a_worker_that_wants_bytes_gets_nothing_else() -> None:
    request = HttpRequestData("POST", "http://h/", {"content-type": "application/json"}, body=JSON)
    message = rpc(request, "RawHttpBodyBytes", "RpcHttpBodyOnly")
    assert message.body.bytes == JSON
    assert not message.HasField("rawBody")


# Responses


def test_bytes_go_out_as_they_are() -> None:
    assert answer(body={"bytes": b"\xff"}, headers={"X-A": "b"}, status_code="201") == (
        HttpResponseData(201, (("X-A", "b"),), b"\xff")
    )
    assert answer(body={"stream": b"x"}, headers={"Content-Type": "a/b"}) == (
        HttpResponseData(200, (("Content-Type", "a/b"),), b"x")
    )


RESPONSES = [
    ({"body": {"string": "é"}}, (PLAIN, "é")),
    ({"headers": {"content-type": "text/html"}, "body": {"string": "x"}},
     (("content-type", "text/html; charset=utf-8"), "x")),
    ({"headers": {"content-type": "text/html; charset=latin-1"}, "body": {"string": "x"}},
     (("content-type", "text/html; charset=latin-1"), "x")),
    ({}, (PLAIN, "")),
    ({"body": {"json": '{ "a": [1, 2] }'}}, (PLAIN, '{"a":[1,2]}')),
    ({"body": {"json": "not json"}}, (PLAIN, "not json")),
    ({"body": {"int": -3}}, (PLAIN, "-3")),
    ({"body": {"json": "true"}}, (PLAIN, "True")),
    ({"body": {"json": "null"}}, (PLAIN, "")),
    ({"body": {"json": '"hi"'}}, (PLAIN, "hi")),
    ({"body": {"json": "[1.5]"}}, (PLAIN, "[1.5]")),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "told"), RESPONSES)
def test_text_has_a_content_type_and_a_charset(fields: Any, told: Any) -> None:
    response = answer(**fields)
    assert (response.headers[0], response.body.decode()) == told


@pytest.mark.parametrize(("status", "code"), [("404", 404), ("", 200), ("fine", 200)])
def test_a_status_that_is_no_number_is_200(status: str, code: int) -> None:
    assert answer(status_code=status).status == code


NEGOTIATED = [
    ("", "string", "hi", (PLAIN, "hi")),
    ("text/plain", "string", "hi", (PLAIN, "hi")),
    ("text/html, application/json;q=0.9", "string", "hi", (None, '"hi"')),
    ("*/*", "json", '{"a": 1}', (None, '{"a": 1}')),
]


@pytest.mark.parametrize(("accept", "kind", "body", "told"), NEGOTIATED)
def test_a_client_can_choose_where_the_function_lets_it(
    accept: str, kind: str, body: str, told: Any
) -> None:
    response = answer(accept, body={kind: body}, enable_content_negotiation=True)
    content_type = told[0] or ("content-type", "application/json; charset=utf-8")
    assert (response.headers[0], response.body.decode()) == (content_type, told[1])


def test_the_function_s_own_content_type_is_not_negotiated() -> None:
    response = answer(
        "application/json",
        body={"string": "x"},
        headers={"content-type": "text/x"},
        enable_content_negotiation=True,
    )
    assert response.headers[0] == ("content-type", "text/x; charset=utf-8")


COOKIES = [
    ({"name": "a", "value": "1 (é);"}, "a=1%20%28%C3%A9%29%3B; path=/"),
    ({"same_site": 1}, "n=v; path=/; samesite=lax"),
    ({"same_site": 2}, "n=v; path=/; samesite=strict"),
    ({"same_site": 3}, "n=v; path=/; samesite=none"),
    ({"domain": {"value": "h"}, "path": {"value": "/p"}}, "n=v; domain=h; path=/p"),
    ({"path": {"value": ""}}, "n=v"),
    ({"secure": {"value": True}, "http_only": {"value": True}}, "n=v; path=/; secure; httponly"),
    ({"secure": {"value": False}, "max_age": {"value": 0}}, "n=v; max-age=0; path=/"),
    (
        {"expires": {"value": {"seconds": 1484229308}}, "max_age": {"value": 10}},
        "n=v; expires=Thu, 12 Jan 2017 13:55:08 GMT; max-age=10; path=/",
    ),
]


@pytest.mark.parametrize(("fields", "told"), COOKIES)
def test_a_cookie_is_written_with_what_it_has(fields: dict[str, Any], told: str) -> None:
    cookie = PROTOCOL.message("RpcHttpCookie")(**{"name": "n", "value": "v", **fields})
    message = PROTOCOL.message("RpcHttp")(cookies=[cookie, cookie])
    assert response_of(message).headers[1:] == (("Set-Cookie", told), ("Set-Cookie", told))


def test_a_request_survives_the_wire() -> None:
    message = rpc(HttpRequestData("GET", "http://h/", {"a": "ü"}), "RpcHttpBodyOnly")
    again = PROTOCOL.message("RpcHttp").FromString(message.SerializeToString())
    assert dict(again.headers) == {"a": "ü"}
    assert json.dumps(again.url) == '"http://h/"'
