"""What a client gets for what a function returns: status, headers, content types, bodies."""

from __future__ import annotations

import pytest

from tests.support.hosted import HEAD, hosted, send
from tests.support.serving import Answer, Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = "text/plain; charset=utf-8"

RESPONSES = {
    # name: (the expression a function returns, status, content type, body)
    "text": ("R('x')", 200, TEXT, b"x"),
    "nothing": ("R()", 200, TEXT, b""),
    "no_content": ("R(status_code=204)", 204, TEXT, b""),
    "not_modified": ("R(status_code=304)", 304, TEXT, b""),
    "created": (
        "R(status_code=201, headers={'X-A': '1', 'Content-Type': 'application/json'}, body='{}')",
        201, "application/json", b"{}",
    ),
    "json": ("R('{\"a\":1}', mimetype='application/json')", 200, "application/json", b'{"a":1}'),
    "binary": (
        "R(b'\\x00\\x01', mimetype='application/octet-stream')",
        200, "application/octet-stream", b"\x00\x01",
    ),
    "byte_array": ("R(bytearray(b'ab'), mimetype='image/png')", 200, "image/png", b"ab"),
    "empty_bytes": ("R(b'', mimetype='image/png')", 200, "image/png", b""),
    "html": (
        "R('<h1>™</h1>', mimetype='text/html')",
        200, "text/html; charset=utf-8", "<h1>™</h1>".encode(),
    ),
    "latin": ("R('é', charset='latin-1')", 200, "text/plain; charset=latin-1", b"\xe9"),
    "charset_json": (
        "R('é', mimetype='application/json', charset='latin-1')",
        200, "application/json", b"\xe9",
    ),
    "header_wins": (
        "R('x', headers={'content-type': 'a/b'}, mimetype='c/d')", 200, "a/b", b"x",
    ),
    "no_type_added": ("R('x', headers={'CONTENT-TYPE': 'text/csv'})", 200, "text/csv", b"x"),
    "http_status": ("R('x', status_code=HTTPStatus.ACCEPTED)", 202, TEXT, b"x"),
    "bad_request": ("R('no', status_code=400)", 400, TEXT, b"no"),
    "teapot": ("R('t', status_code=418)", 418, TEXT, b"t"),
    "own_failure": ("R('own', status_code=500)", 500, TEXT, b"own"),
    "unavailable": ("R('later', status_code=503)", 503, TEXT, b"later"),
    "odd_status": ("R('x', status_code=799)", 799, TEXT, b"x"),
    "body_object": ("R('{\"body\": \"kept\", \"status\": 404}')", 200, TEXT,
                    b'{"body": "kept", "status": 404}'),
    # plain text
    "plain": ("'plain'", 200, TEXT, b"plain"),
    "empty_text": ("''", 200, TEXT, b""),
    "unicode_text": ("'ünïcode ✓'", 200, TEXT, "ünïcode ✓".encode()),
    "json_text": ("'{\"a\": [1, 2]}'", 200, TEXT, b'{"a": [1, 2]}'),
    "array_text": ("'[1, 2]'", 200, TEXT, b"[1, 2]"),
    "number_text": ("'1'", 200, TEXT, b"1"),
    "brace_text": ("'{not json'", 200, TEXT, b"{not json"),
    "nested_text": ("'{\"a\":' * 20000", 200, TEXT, b'{"a":' * 20000),
    "spaces": ("'  padded  '", 200, TEXT, b"  padded  "),
    "subclass": ("type('S', (str,), {})('sub')", 200, TEXT, b"sub"),
    # text that describes a response
    "described": (
        "json.dumps({'status': 202, 'headers': {'X-A': 'b'}, 'body': 'said'})", 202, TEXT, b"said",
    ),
    "described_code": ("json.dumps({'statusCode': '404', 'body': 'no'})", 404, TEXT, b"no"),
    "described_case": ("json.dumps({'StatusCode': 201, 'Body': 'yes'})", 201, TEXT, b"yes"),
    "described_unparsable": ("json.dumps({'status': 'many', 'body': 'x'})", 200, TEXT, b"x"),
    "described_type": (
        "json.dumps({'body': '{}', 'headers': {'Content-Type': 'application/json'}})",
        200, "application/json; charset=utf-8", b"{}",
    ),
    "described_charset": (
        "json.dumps({'body': 'x', 'headers': {'content-type': 'text/html; charset=ascii'}})",
        200, "text/html; charset=ascii", b"x",
    ),
    "described_object": ("json.dumps({'body': {'a': 1}})", 200, TEXT, b'{"a":1}'),
    "described_array": ("json.dumps({'body': [1, 2]})", 200, TEXT, b"[1,2]"),
    "described_number": ("json.dumps({'body': 123})", 200, TEXT, b"123"),
    "described_bool": ("json.dumps({'body': True})", 200, TEXT, b"True"),
    "described_null": ("json.dumps({'body': None, 'status': 205})", 205, TEXT, b""),
}  # fmt: skip

FAILURES = {
    # name: (what is returned, the line of the console)
    "none": (
        "None",
        "TypeError: unable to encode outgoing TypedData: unsupported type "
        "\"<class 'azure.functions.http.HttpResponseConverter'>\" for Python type \"NoneType\"",
    ),
    "bytes": ("b'x'", 'for Python type "bytes"'),
    "dict": ("{'a': 1}", 'for Python type "dict"'),
    "list": ("[1]", 'for Python type "list"'),
    "int": ("1", 'for Python type "int"'),
    "true": ("True", 'for Python type "bool"'),
    "tuple": ("('x', 201)", 'for Python type "tuple"'),
    "generator": ("(x for x in 'ab')", 'for Python type "generator"'),
    "dict_body": (
        "R({'a': 1})",
        "TypeError: response is expected to be either of str, bytes, or bytearray, got dict",
    ),
    "number_body": (
        "R(1)", "TypeError: response is expected to be either of str, bytes, or bytearray, got int"
    ),
    "unencodable": ("R('✓', charset='ascii')", "UnicodeEncodeError"),
    "no_charset": ("R('x', charset='nonsense')", "LookupError: unknown encoding: nonsense"),
}  # fmt: skip

UNSENDABLE = {
    # name: (what is returned, why it cannot be sent)
    "low_status": ("R('x', status_code=99)", "the status 99 is none that can end a request"),
    "interim_status": ("R('x', status_code=100)", "the status 100 is none"),
    "switching": ("R('x', status_code=101)", "the status 101 is none"),
    "zero_status": ("R('x', status_code=0)", "the status 0 is none"),
    "huge_status": ("R('x', status_code=100000)", "the status 100000 is none"),
    "header_umlaut": (
        "R('x', headers={'X-Name': 'Zoë'})",
        "Invalid non-ASCII or control character in header: X-Name: 'Zoë'",
    ),
    "header_control": ("R('x', headers={'X-Name': 'a\\x01b'})", "control character in header"),
    "header_name": ("R('x', headers={'X Name': 'a'})", "'X Name' is not a name for an HTTP header"),
    "described_null_type": (
        "json.dumps({'body': 'x', 'headers': {'content-type': None}})",
        "content-type header cannot be null",
    ),
}  # fmt: skip

CODE = HEAD + "import json\nfrom http import HTTPStatus\nR = func.HttpResponse\n"
for group in (RESPONSES, FAILURES, UNSENDABLE):
    for name, (expression, *_) in group.items():
        CODE += (
            f"@app.route(route='{name}')\n"
            f"def f_{name}(req: func.HttpRequest):\n    return {expression}\n"
        )
CODE += """
@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    resp = func.HttpResponse("c")
    resp.headers.add(
        "Set-Cookie",
        "foo=bar; Domain=example.com; Expires=Thu, 12 Jan 2017 13:55:08 GMT; Max-Age=10000000; "
        "Path=/; Secure; HttpOnly; SameSite=None",
    )
    resp.headers.add("set-cookie", "foo2=bar2; Domain=example.com; Path=/some/path")
    resp.headers.add("Set-Cookie", "plain=value")
    return resp


@app.route(route="cookie_of_headers")
def cookie_of_headers(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("c", headers={"Set-Cookie": "a=b; max-age=3"})


@app.route(route="cookie_expires")
def cookie_expires(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("c", headers={"Set-Cookie": "foo=bar; Expires=Dummy"})


@app.route(route="cookie_age")
def cookie_age(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("c", headers={"Set-Cookie": "foo=bar; Max-Age=Dummy"})


@app.route(route="described_cookies")
def described_cookies(req: func.HttpRequest):
    return json.dumps(
        {
            "body": "x",
            "cookies": [
                {"name": "a", "value": "b c", "path": "/", "maxAge": 3, "secure": True},
                {"name": "d", "value": "e", "httpOnly": True, "sameSite": "Strict"},
            ],
        }
    )


@app.route(route="headers")
def headers(req: func.HttpRequest) -> func.HttpResponse:
    resp = func.HttpResponse("h", headers={"X-One": "1", "Cache-Control": "no-store"})
    resp.headers["X-Two"] = "2"
    resp.headers.add("X-Many", "first")
    resp.headers.add("X-Many", "second")
    resp.headers["X-Number"] = 5
    resp.headers["X-Tab"] = "a\\tb"
    resp.headers["X-Empty"] = ""
    return resp


@app.route(route="framing")
def framing(req: func.HttpRequest) -> func.HttpResponse:
    given = {"Content-Length": "99", "Transfer-Encoding": "chunked", "Connection": "close"}
    return func.HttpResponse("framed", headers=given)


@app.route(route="redirect")
def redirect(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=302, headers={"Location": "https://example.com/?a=b#c"})


@app.route(route="encoded")
def encoded(req: func.HttpRequest) -> func.HttpResponse:
    import gzip

    return func.HttpResponse(gzip.compress(b"zip"), headers={"Content-Encoding": "gzip"})


@app.route(route="big")
def big(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"0123456789abcdef" * 65536 * 8)


@app.route(route="late_header")
async def late_header(req: func.HttpRequest) -> func.HttpResponse:
    resp = func.HttpResponse("x", mimetype="application/json")
    resp.headers["Content-Type"] = "application/problem+json"
    return resp


@app.route(route="newline")
def newline(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"X-Split": "a\\r\\nX-Evil: 1"})
"""

host = hosted({"function_app.py": CODE})


@pytest.mark.parametrize("name", RESPONSES)
async def test_a_return_value_becomes_its_response(host: Served, name: str) -> None:
    _, status, content_type, body = RESPONSES[name]
    answer = await host.get(f"/api/{name}")
    assert answer.status == status
    assert answer.body == body
    assert answer.headers.get("Content-Type") == content_type


@pytest.mark.parametrize("name", FAILURES)
async def test_what_http_cannot_carry_is_an_empty_500_and_told(host: Served, name: str) -> None:
    answer = await host.get(f"/api/{name}")
    assert (answer.status, answer.body) == (500, b"")
    assert "Content-Type" not in answer.headers
    await host.until_printed(FAILURES[name][1])


@pytest.mark.parametrize("name", UNSENDABLE)
async def test_a_response_that_cannot_be_sent_is_an_empty_500_and_told(
    host: Served, name: str
) -> None:
    answer = await host.get(f"/api/{name}")
    assert (answer.status, answer.body) == (500, b"")
    await host.until_printed(f"Function 'f_{name}' could not send its response: ")
    await host.until_printed(UNSENDABLE[name][1])
    assert "funcemu itself failed" not in host.printed


async def test_a_described_response_has_its_headers(host: Served) -> None:
    assert (await host.get("/api/described")).headers["X-A"] == "b"
    assert (await host.get("/api/created")).headers["X-A"] == "1"


async def test_every_set_cookie_header_is_sent(host: Served) -> None:
    answer = await host.get("/api/cookies")
    assert answer.status == 200
    first, second, third = answer.cookies
    assert first == (
        "foo=bar; expires=Thu, 12 Jan 2017 13:55:08 GMT; max-age=10000000; domain=example.com; "
        "path=/; secure; samesite=none; httponly"
    )
    assert second == "foo2=bar2; domain=example.com; path=/some/path"
    assert third == "plain=value; domain=; path="
    assert (await host.get("/api/cookie_of_headers")).cookies == ("a=b; max-age=3; domain=; path=",)


async def test_a_cookie_with_an_impossible_date_fails_and_is_told(host: Served) -> None:
    assert (await host.get("/api/cookie_expires")).status == 500
    await host.until_printed(
        "Can not parse value Dummy of expires in the cookie due to invalid format."
    )
    assert (await host.get("/api/cookie_age")).status == 500
    await host.until_printed("Cannot parse value Dummy of 'cookie.maxAge' to float.")


async def test_a_described_response_may_have_cookies(host: Served) -> None:
    assert (await host.get("/api/described_cookies")).cookies == (
        "a=b%20c; max-age=3; path=/; secure",
        "d=e; path=/; samesite=strict; httponly",
    )


async def test_headers_arrive_as_they_were_set(host: Served) -> None:
    headers = (await host.get("/api/headers")).headers
    assert headers["X-One"] == "1"
    assert headers["X-Two"] == "2"
    assert headers["X-Many"] == "second"
    assert headers["X-Number"] == "5"
    assert headers["X-Tab"] == "a\tb"
    assert headers["X-Empty"] == ""
    assert headers["Cache-Control"] == "no-store"
    assert "Date" in headers


async def test_the_framing_of_the_connection_is_ours(host: Served) -> None:
    answer = await host.get("/api/framing")
    assert answer.body == b"framed"
    assert answer.headers["Content-Length"] == "6"


async def test_a_redirect_is_passed_on(host: Served) -> None:
    answer = await host.get("/api/redirect")
    assert (answer.status, answer.headers["Location"]) == (302, "https://example.com/?a=b#c")


async def test_an_encoded_body_is_sent_as_it_is(host: Served) -> None:
    answer = await host.get("/api/encoded")
    assert answer.body == b"zip"  # unpacked by the client


async def test_a_large_response_arrives_whole(host: Served) -> None:
    assert (await host.get("/api/big")).body == b"0123456789abcdef" * 65536 * 8


async def test_a_content_type_set_later_wins(host: Served) -> None:
    answer = await host.get("/api/late_header")
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_header_cannot_smuggle_another_one(host: Served) -> None:
    answer = await host.get("/api/newline")
    assert answer.status == 500
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize("name", ["text", "big", "json", "created", "none", "no_content"])
async def test_head_gets_the_headers_alone(host: Served, name: str) -> None:
    get, head = await host.get(f"/api/{name}"), await host.request("HEAD", f"/api/{name}")
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers.get("Content-Type") == get.headers.get("Content-Type")


async def test_the_console_tells_each_request_in_one_line(host: Served) -> None:
    answer: Answer = await send(host, "GET", "/api/text?told=1")
    assert answer.status == 200
    await host.until_printed("GET /api/text → 200")


async def test_bodies_of_failures_never_tell_about_the_exception(host: Served) -> None:
    for name in FAILURES:
        answer = await host.get(f"/api/{name}", headers={"Accept": "text/html"})
        assert answer.body == b"", name
