"""What a function sees of a request: address, query, headers, cookies, bodies, forms, files."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from typing import Any

import aiohttp
import pytest

from tests.support.hosted import HEAD, hosted, raw, send
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + """
import base64, json


@app.route(route="echo/{x?}")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "body": base64.b64encode(req.get_body()).decode(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="raw")
async def raw_body(req: func.HttpRequest) -> func.HttpResponse:
    body = req.get_body()
    assert type(body) is bytes
    return func.HttpResponse(
        body, mimetype="application/octet-stream", headers={"body-len": str(len(body))}
    )


@app.route(route="json")
def read_json(req: func.HttpRequest) -> func.HttpResponse:
    try:
        return func.HttpResponse(json.dumps(req.get_json()), mimetype="application/json")
    except ValueError as error:
        return func.HttpResponse(str(error), status_code=400)


@app.route(route="form")
def form(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "form": {name: req.form.getlist(name) for name in req.form},
        "files": {
            name: [
                [each.filename, each.content_type, each.read().decode("latin-1")]
                for each in req.files.getlist(name)
            ]
            for name in req.files
        },
    }
    for name in req.files:
        for each in req.files.getlist(name):
            each.close()
    return func.HttpResponse(json.dumps(seen))


@app.route(route="asks")
def asks(req: func.HttpRequest) -> func.HttpResponse:
    seen = [
        req.headers["X-Mixed-Case"],
        req.headers.get("x-mixed-case"),
        req.headers.get("absent"),
        req.params.get("absent"),
        "X-MIXED-CASE" in req.headers,
    ]
    try:
        req.headers["absent"]
    except KeyError:
        seen.append("KeyError")
    try:
        req.params["a"] = "b"
    except TypeError:
        seen.append("TypeError")
    return func.HttpResponse(json.dumps(seen))
"""
)

host = hosted({"function_app.py": CODE})


async def seen(host: Served, path: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    answer = await send(host, method, path, **more)
    assert answer.status == 200, host.printed
    result: dict[str, Any] = answer.json
    return result


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("name=Amy", {"name": "Amy"}),
        ("name=Mathew&name=Amy", {"name": "Mathew,Amy"}),
        ("empty=&name=Amy", {"name": "Amy"}),
        ("flag&name=Amy", {"name": "Amy"}),
        ("", {}),
        ("a=1&b=2&c=3", {"a": "1", "b": "2", "c": "3"}),
        ("q=a%20b", {"q": "a b"}),
        ("q=a+b", {"q": "a b"}),
        ("q=%C3%A4", {"q": "ä"}),
        ("q=%E2%9C%93&%C3%A4=1", {"q": "✓", "ä": "1"}),
        ("q=a%26b%3Dc", {"q": "a&b=c"}),
        ("q=a=b", {"q": "a=b"}),
        ("q=1;r=2", {"q": "1;r=2"}),
        ("code=secret", {"code": "secret"}),
        ("a[]=1&a[]=2", {"a[]": "1,2"}),
        ("x=%", {"x": "%"}),
        ("x=%zz", {"x": "%zz"}),
        ("&&&a=1&&", {"a": "1"}),
        ("=novalue", {"": "novalue"}),
        ("a=?b", {"a": "?b"}),
        ("list=1,2&list=3", {"list": "1,2,3"}),
        ("Name=1&name=2&NAME=3", {"Name": "1,2,3"}),
    ],
)
async def test_query_values_are_decoded_joined_and_empty_ones_dropped(
    host: Served, query: str, params: dict[str, str]
) -> None:
    assert (await seen(host, f"/api/echo?{query}"))["params"] == params


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_the_method_arrives_in_upper_case(host: Served, method: str) -> None:
    assert (await seen(host, "/api/echo", method))["method"] == method


@pytest.mark.parametrize(
    "path",
    ["/api/echo", "/api/echo/a%20b", "/api/echo/%C3%A4?q=%20x&y=", "/API/Echo/X"],
)
async def test_the_url_is_absolute_and_stays_encoded(host: Served, path: str) -> None:
    assert (await seen(host, path))["url"] == host.url + path


async def test_the_url_has_the_name_the_client_used(host: Served) -> None:
    url = (await seen(host, "/api/echo", headers={"Host": "example.com:8080"}))["url"]
    assert url == "http://example.com:8080/api/echo"


async def test_headers_of_proxies_change_nothing(host: Served) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "x.org", "DISGUISED-HOST": "y.org"}
    got = await seen(host, "/api/echo", headers=headers)
    assert got["url"] == f"{host.url}/api/echo"
    assert got["headers"]["x-forwarded-proto"] == "https"


async def test_a_target_with_scheme_and_host_is_understood(host: Served) -> None:
    answer = await raw(
        host,
        b"GET http://proxy.test/api/echo/1?a=b HTTP/1.1\r\n"
        b"Host: a.test\r\nConnection: close\r\n\r\n",
    )
    got = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert got["url"] == "http://a.test/api/echo/1?a=b"
    assert (got["route"], got["params"]) == ({"x": "1"}, {"a": "b"})


async def test_header_names_are_lower_case_and_looked_up_without_case(host: Served) -> None:
    got = await seen(host, "/api/echo", headers={"X-Mixed-Case": "v"})
    assert got["headers"]["x-mixed-case"] == "v"
    assert got["headers"]["host"] == host.url.removeprefix("http://")
    answer = await host.get("/api/asks?a=1", headers={"X-Mixed-Case": "v"})
    assert answer.json == ["v", "v", None, None, True, "KeyError", "TypeError"]


async def test_repeated_headers_are_joined_with_a_comma(host: Served) -> None:
    answer = await raw(
        host,
        b"GET /api/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        b"X-Many: 1\r\nX-Many: 2\r\nx-many: 3, 4\r\n\r\n",
    )
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["headers"]["x-many"] == "1,2,3, 4"


async def test_cookies_stay_one_header(host: Served) -> None:
    got = await seen(host, "/api/echo", headers={"Cookie": "a=1; b=2"})
    assert got["headers"]["cookie"] == "a=1; b=2"


async def test_header_values_may_be_long_and_utf_8(host: Served) -> None:
    token = "x" * 20_000
    got = await seen(host, "/api/echo", headers={"Authorization": token, "X-Name": "Zoë"})
    assert got["headers"]["authorization"] == token
    assert got["headers"]["x-name"] == "Zoë"


async def test_header_bytes_that_are_no_utf_8_do_no_harm(host: Served) -> None:
    answer = await raw(
        host,
        b"GET /api/echo HTTP/1.1\r\nHost: a\r\nX-Latin: caf\xe9\r\nConnection: close\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["headers"]["x-latin"].startswith("caf")


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"\x00\x01\xff\xfe", bytes(range(256)) * 40, "héllo ✓".encode(), b'{"a": 1}'],
    ids=["empty", "one", "binary", "10 KB", "utf-8", "json"],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
async def test_the_body_arrives_byte_by_byte(host: Served, method: str, body: bytes) -> None:
    answer = await host.request(method, "/api/raw", data=body)
    assert answer.body == body
    assert answer.headers["body-len"] == str(len(body))


async def test_a_megabyte_passes_both_ways(host: Served) -> None:
    body = bytes(range(256)) * 4096 * 3
    assert (await host.post("/api/raw", data=io.BytesIO(body))).body == body


async def test_a_body_sent_in_chunks_arrives(host: Served) -> None:
    async def chunks() -> Any:
        for each in (b"one,", b"two,", b"three"):
            yield each

    answer = await host.post("/api/raw", data=chunks())
    assert answer.body == b"one,two,three"


async def test_a_compressed_body_arrives_as_it_was_sent(host: Served) -> None:
    body = gzip.compress(b"hello")
    headers = {"Content-Encoding": "gzip"}
    assert (await host.post("/api/raw", data=body, headers=headers)).body == body


async def test_a_body_needs_no_content_type(host: Served) -> None:
    got = await seen(host, "/api/echo", "POST", data=b"hi", skip_auto_headers=["Content-Type"])
    assert "content-type" not in got["headers"]
    assert got["body"] == "aGk="


async def test_a_client_that_asks_first_is_told_to_go_on(host: Served) -> None:
    answer = await host.post("/api/raw", data=b"big", expect100=True)
    assert (answer.status, answer.body) == (200, b"big")


async def test_a_client_that_asks_first_gets_the_404_at_once(host: Served) -> None:
    async with asyncio.timeout(PATIENCE):
        name, _, port = host.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        writer.write(
            b"POST /api/none HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            b"Content-Length: 5\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        writer.close()


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b'{"a": [1, 2.5, null, true]}', 200, '{"a": [1, 2.5, null, true]}'),
        (b'"text"', 200, '"text"'),
        (b"null", 200, "null"),
        (b" [1]\n", 200, "[1]"),
        ('{"ü": "✓"}'.encode(), 200, '{"\\u00fc": "\\u2713"}'),
        (b"", 400, "HTTP request does not contain valid JSON data"),
        (b"{", 400, "HTTP request does not contain valid JSON data"),
        (b"\xff", 400, None),
    ],
)
async def test_get_json_reads_the_body_whatever_its_type(
    host: Served, body: bytes, status: int, text: str | None
) -> None:
    answer = await host.post("/api/json", data=body, headers={"Content-Type": "text/plain"})
    assert answer.status == status
    if text is not None:
        assert answer.text == text


async def test_url_encoded_forms_are_read(host: Served) -> None:
    answer = await host.post("/api/form", data=[("a", "1"), ("a", "2"), ("b", "x y&z=ü")])
    assert answer.json == {"form": {"a": ["1", "2"], "b": ["x y&z=ü"]}, "files": {}}


async def test_multipart_forms_and_files_are_read(host: Served) -> None:
    form = aiohttp.FormData()
    form.add_field("name", "Amy")
    form.add_field("up", b"\x00\xffdata", filename="a.bin", content_type="application/x-thing")
    form.add_field("up", b"text", filename="ü b.txt", content_type="text/plain")
    answer = await host.post("/api/form", data=form)
    assert answer.json["form"] == {"name": ["Amy"]}
    assert answer.json["files"]["up"][0] == ["a.bin", "application/x-thing", "\x00\xffdata"]
    assert answer.json["files"]["up"][1][1:] == ["text/plain", "text"]


async def test_other_bodies_have_neither_form_nor_files(host: Served) -> None:
    answer = await host.post("/api/form", json={"a": 1})
    assert answer.json == {"form": {}, "files": {}}


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /api/echo HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"GET /api/echo HTTP/1.1\r\nHost: a\r\nBad Header\r\n\r\n", 400),
        (b"GET /api/echo HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
        (b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n", 400),
        (b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (
            b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (
            b"POST /api/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            400,
        ),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 33_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 150 + b"\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
    ids=[
        "nonsense", "version", "no colon", "zero byte", "length text", "length negative",
        "both lengths", "bad chunk", "long target", "long header", "many headers", "TLS",
    ],
)  # fmt: skip
async def test_what_is_no_http_gets_a_bare_status_and_no_traceback(
    host: Served, request_bytes: bytes, status: int
) -> None:
    answer = await raw(host, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == str(status).encode()
    assert body == b""
    assert (await host.get("/api/echo")).status == 200
    assert "Traceback" not in host.printed


async def test_a_client_that_goes_away_while_sending_does_no_harm(host: Served) -> None:
    name, _, port = host.url.removeprefix("http://").partition(":")
    for body in (b"Content-Length: 100\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"):
        _, writer = await asyncio.open_connection(name, int(port))
        writer.write(b"POST /api/raw HTTP/1.1\r\nHost: a\r\n" + body)
        await writer.drain()
        writer.close()
    await host.until_printed("POST /api/raw → 499")
    assert (await host.get("/api/echo")).status == 200
    assert "Traceback" not in host.printed
    assert "itself failed" not in host.printed


async def test_requests_on_one_connection_are_answered_in_order(host: Served) -> None:
    one = b"POST /api/raw HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = await raw(host, one + b"1" + one + b"2" + last + b"3")
    bodies = [part[0:1] for part in answer.split(b"\r\n\r\n")[1:]]
    assert bodies == [b"1", b"2", b"3"]


async def test_http_1_0_is_answered_and_closed(host: Served) -> None:
    answer = await raw(host, b"GET /api/echo HTTP/1.0\r\n\r\n")
    assert answer.split(b"\r\n")[0].endswith(b"200 OK")
    assert b"chunked" not in answer.lower()


async def test_an_upgrade_nobody_offers_is_ignored(host: Served) -> None:
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AA"}
    answer = await host.post("/api/raw", data=b"body", headers=headers)
    assert (answer.status, answer.body) == (200, b"body")


async def test_bodies_beyond_the_limit_are_refused(tmp_path: Any, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    settings = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000"}

    async def chunks() -> Any:
        for _ in range(11):
            yield b"x" * 100

    async with served(app, channel=channel, settings=settings) as host:
        assert (await host.post("/api/raw", data=b"x" * 1000)).status == 200
        told = await host.post("/api/raw", data=b"x" * 1001)
        assert (told.status, told.body) == (413, b"")
        assert (await host.post("/api/raw", data=chunks())).status == 413
        asked = await host.post("/api/raw", data=b"x" * 1001, expect100=True)
        assert asked.status == 413
        assert (await host.get("/api/echo")).status == 200


async def test_the_limit_is_100_mib_without_a_setting(host: Served) -> None:
    name, _, port = host.url.removeprefix("http://").partition(":")
    for length, told in ((104_857_601, b"413"), (104_857_600, b"100")):
        reader, writer = await asyncio.open_connection(name, int(port))
        head = b"POST /api/raw HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d"
        writer.write(head % length + b"\r\n\r\n")
        assert (await reader.readline()).split()[1] == told
        writer.close()
