"""What crosses every worker channel when functions are called over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.model import Datum, HttpResponseData
from tests.support.workers import (
    CHANNELS,
    TEXT_CONTENT,
    decorated,
    every_language,
    request,
    serving,
    written,
)

pytestmark = pytest.mark.parametrize("kind", CHANNELS)


async def test_a_request_arrives_whole(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json

        @app.route()
        def f(req: func.HttpRequest) -> func.HttpResponse:
            try:
                parsed = req.get_json()
            except ValueError as error:
                parsed = str(error)
            told = [req.method, req.url, dict(req.headers), req.headers.get("NOPE"),
                    req.headers["X-One"], dict(req.params), dict(req.route_params),
                    len(req.get_body()), parsed, dict(req.form)]
            return func.HttpResponse(json.dumps(told), mimetype="application/json")
        """,
    )
    async with serving(kind, root) as worker:
        told = await worker.text(
            "f",
            req=request(
                b'{"a": 1}',
                method="POST",
                url="http://h/api/a%20b?x=1",
                headers={"x-one": "1,2", "content-type": "application/json"},
                query={"x": "1"},
                params={"id": "7"},
            ),
        )
        assert json.loads(told) == [
            "POST",
            "http://h/api/a%20b?x=1",
            {"x-one": "1,2", "content-type": "application/json"},
            None,
            "1,2",
            {"x": "1"},
            {"id": "7"},
            8,
            {"a": 1},
            {},
        ]
        form = await worker.text(
            "f",
            req=request(
                b"a=1&b=2",
                headers={"x-one": "", "content-type": "application/x-www-form-urlencoded"},
            ),
        )
        assert json.loads(form)[-2:] == [
            "HTTP request does not contain valid JSON data",
            {"a": "1", "b": "2"},
        ]


@every_language
async def test_bytes_pass_untouched_and_large(kind: str, tmp_path: Path) -> None:
    root = written(
        kind,
        tmp_path,
        {
            "python": """
                @app.route()
                def echo(req: func.HttpRequest) -> func.HttpResponse:
                    body = req.get_body()
                    return func.HttpResponse(body, headers={"body-len": str(len(body))})
            """,
            "node": """
                http('echo', async (request) => {
                  const body = await request.arrayBuffer();
                  return { body, headers: { 'body-len': String(body.byteLength) } };
                });
            """,
        },
    )
    every_byte = bytes(range(256))
    async with serving(kind, root) as worker:
        for body in (b"", every_byte, every_byte * 20_000):
            answer = (
                await worker.call("echo", req=request(body, method="POST"))
            ).return_value.value
            assert answer.body == body
            assert ("body-len", str(len(body))) in answer.headers


HTTP_ANSWERS = {
    "text": ('"hé"', Datum("text", "hé")),
    "plain": (
        "func.HttpResponse('x')",
        Datum("http", HttpResponseData(200, (TEXT_CONTENT,), b"x")),
    ),
    "empty": (
        "func.HttpResponse(status_code=http.HTTPStatus.ACCEPTED)",
        Datum("http", HttpResponseData(202, (TEXT_CONTENT,), b"")),
    ),
    "html": (
        "func.HttpResponse('<h1>™</h1>', mimetype='text/html')",
        Datum(
            "http",
            HttpResponseData(
                200, (("content-type", "text/html; charset=utf-8"),), "<h1>™</h1>".encode()
            ),
        ),
    ),
    "binary": (
        "func.HttpResponse(b'\\xff', status_code=418, mimetype='image/png')",
        Datum("http", HttpResponseData(418, (("content-type", "image/png"),), b"\xff")),
    ),
    "charset": (
        "func.HttpResponse('é', charset='latin-1')",
        Datum(
            "http",
            HttpResponseData(200, (("content-type", "text/plain; charset=latin-1"),), b"\xe9"),
        ),
    ),
    "content type given": (
        "func.HttpResponse('{}', headers={'Content-Type': 'application/json'})",
        Datum("http", HttpResponseData(200, (("Content-Type", "application/json"),), b"{}")),
    ),
    "a header twice": (
        "twice(func.HttpResponse(''), 'X-A', '1', '2')",
        Datum("http", HttpResponseData(200, (("X-A", "2"), TEXT_CONTENT), b"")),
    ),
    "cookies": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'foo=bar', 'b=\"2 =\"; Path=/p; SameSite=Lax;"
        " Expires=Thu, 12-Jan-2017 13:55:08 GMT; Max-Age=10; Domain=d.example; HttpOnly; Secure')",
        Datum(
            "http",
            HttpResponseData(
                200,
                (
                    TEXT_CONTENT,
                    ("Set-Cookie", "foo=bar; domain=; path="),
                    (
                        "Set-Cookie",
                        'b="2 ="; expires=Thu, 12 Jan 2017 13:55:08 GMT; max-age=10;'
                        " domain=d.example; path=/p; secure; samesite=lax; httponly",
                    ),
                ),
                b"",
            ),
        ),
    ),
    "cookies that are none": (
        "twice(func.HttpResponse(''), 'Set-Cookie', '', 'a=1; Path=/; SecureFalse')",
        Datum("http", HttpResponseData(200, (TEXT_CONTENT,), b"")),
    ),
}

HTTP_FAILURES = {
    "none": ("None", 'TypeError: unable to encode outgoing TypedData: unsupported type "', "None"),
    "bytes": ("b''", 'TypeError: unable to encode outgoing TypedData: unsupported type "', "bytes"),
    "dict": ("{}", 'TypeError: unable to encode outgoing TypedData: unsupported type "', "dict"),
    "a dict as body": (
        "func.HttpResponse({})",
        "TypeError: response is expected to be either of str, bytes, or bytearray, got dict",
        "",
    ),
    "cookie expires": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'a=1; Expires=Dummy')",
        "ValueError: Can not parse value Dummy of expires in the cookie due to invalid format.",
        "",
    ),
    "cookie age": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'a=1; Max-Age=x')",
        "TypeError: Cannot parse value x of 'cookie.maxAge' to float.",
        "",
    ),
    "cookie name": (
        "twice(func.HttpResponse(''), 'Set-Cookie', 'a/b=1')",
        "CookieError: Illegal key 'a/b'",
        "",
    ),
}


async def test_what_an_http_function_may_answer(kind: str, tmp_path: Path) -> None:
    cases = {**{name: each[0] for name, each in HTTP_ANSWERS.items()}}
    cases |= {name: each[0] for name, each in HTTP_FAILURES.items()}
    numbered = list(cases)
    functions = "".join(
        f"@app.route()\n{'async ' if at % 2 else ''}def f{at}(req):\n    return {cases[name]}\n\n"
        for at, name in enumerate(numbered)
    )
    helpers = """
import http

def twice(response, name, *values):
    for value in values:
        response.headers.add(name, value)
    return response

"""
    async with serving(kind, decorated(tmp_path, helpers + functions)) as worker:
        results = {name: await worker.call(f"f{at}") for at, name in enumerate(numbered)}
        answered = {name: results[name].return_value for name in HTTP_ANSWERS}
        assert answered == {name: each[1] for name, each in HTTP_ANSWERS.items()}
        for name, (_, start, end) in HTTP_FAILURES.items():
            title = results[name].error.title
            assert title.startswith(start), name
            assert end in title, name
        assert any(
            each.level == "Error" and each.message.startswith("Can not parse value Dummy")
            for each in worker.logs
        )


async def test_a_response_can_be_answered_many_times(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        fixed = func.HttpResponse("x", headers={"Set-Cookie": "a=1"})

        @app.route()
        def f(req): return fixed
        """,
    )
    async with serving(kind, root) as worker:
        first = await worker.call("f")
        assert first == await worker.call("f")
        assert ("Set-Cookie", "a=1; domain=; path=") in first.return_value.value.headers


async def test_a_cookie_that_is_left_out_is_told(kind: str, tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        @app.route()
        def f(req): return func.HttpResponse("x", headers={"Set-Cookie": "a=1; Partitioned"})
        """,
    )
    async with serving(kind, root) as worker:
        await worker.call("f", id="c")
        (told,) = worker.said("c")
    assert told.startswith("The header 'Set-Cookie: a=1; Partitioned' is not sent:")
