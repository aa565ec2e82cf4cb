"""Requests that mean harm: rebound names, pages of other sites, smuggled requests, forged lines.

Functions answer whoever reaches the port, as on Azure; what the host serves itself is for this
machine's own tools.
"""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from tests.support.hosted import HEAD, hosted, raw, send
from tests.support.patience import PATIENCE
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + r"""
import json, logging


@app.route(route="echo/{name?}")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("asked for %s", req.params.get("q"))
    print("printed", req.params.get("q"))
    return func.HttpResponse(str(len(req.get_body())))


@app.route(route="fail")
def fail(req: func.HttpRequest) -> str:
    raise ValueError("no " + req.params["q"])


@app.route(route="answer")
def answer(req: func.HttpRequest) -> str:
    return json.dumps({"body": "x", **json.loads(req.get_body())})


@app.route(route="slow/{text:regex(^(a+)+$)}")
def slow(req: func.HttpRequest) -> str:
    return "slow"
"""
)
host = hosted({"function_app.py": CODE}, channels=("inprocess",))

OWN = [
    ("GET", "/admin/host/status"),
    ("GET", "/admin/host/systemkeys/_master"),
    ("POST", "/admin/functions/echo"),
    ("POST", "/admin/host/restart"),
    ("PUT", "/admin/host/keys/x"),
    ("POST", "/runtime/webhooks/durabletask"),
    ("GET", "/%61dmin/host/status"),
    ("GET", "/_openai/v1/models"),
    ("POST", "/_openai/v1/chat/completions"),
    ("POST", "/_openai/faults"),
]
FOREIGN_NAMES = [
    "evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1.nip.io:7071", "0.0.0.0",
    "localhost:7071@evil.example", "[::ffff:127.0.0.1]", "[::1]evil.example", "[::2]", "127.1", "2130706433",
    "0x7f000001", "localhost:7071:80", "localhost%00.evil.example", "169.254.169.254", "localhost,evil.example",
]  # fmt: skip
FOREIGN_PAGES = [
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://evil.example@localhost"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "http://localhost:7071.evil.example"},
    {"Origin": "http://127.0.0.1.nip.io:7071"},
    {"Origin": "file://"},
    {"Origin": "chrome-extension://localhost"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    {"Origin": "https://evil.example", "Content-Type": "text/plain"},
    {"Origin": "null", "Content-Type": "application/x-www-form-urlencoded"},
]


def request(line: str, *headers: str, body: bytes = b"", name: str | None = "localhost") -> bytes:
    first = [] if name is None else [f"Host: {name}"]
    head = "\r\n".join([f"{line} HTTP/1.1", *first, "Connection: close", *headers])
    return head.encode("latin-1") + b"\r\n\r\n" + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def lines_about(host: Served, sign: str) -> list[str]:
    return [line for line in host.output if sign in line]


# Names and pages


@pytest.mark.parametrize("name", FOREIGN_NAMES)
async def test_a_rebound_name_reaches_nothing_of_the_hosts_own(host: Served, name: str) -> None:
    for method, path in OWN:
        answer = await raw(host, request(f"{method} {path}", "Content-Length: 0", name=name))
        assert status(answer) in {400, 403}, (path, answer[:80])
    absolute = request(f"GET http://{name}/admin/host/status", name="localhost")
    assert status(await raw(host, absolute)) in {400, 403}


@pytest.mark.parametrize("headers", FOREIGN_PAGES, ids=str)
async def test_a_page_of_another_site_reaches_nothing_of_the_hosts_own(
    host: Served, headers: dict[str, str]
) -> None:
    shown = [f"{name}: {value}" for name, value in headers.items()]
    for method, path in OWN:
        answer = await raw(host, request(f"{method} {path}", "Content-Length: 0", *shown))
        assert status(answer) == 403, (path, answer[:80])
        assert b"access-control-allow-origin" not in answer.lower()
    assert (await host.get("/admin/host/status")).json["state"] == "Running"


@pytest.mark.parametrize("names", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
async def test_a_request_names_one_host(host: Served, names: list[str]) -> None:
    line = request("GET /admin/host/status", *[f"Host: {name}" for name in names], name=None)
    assert status(await raw(host, line)) == 400


@pytest.mark.parametrize("name", ["localhost", "a.localhost:1", "127.0.0.1", "[::1]:7071"])
async def test_this_machines_own_tools_and_pages_reach_it(host: Served, name: str) -> None:
    page = "Origin: http://localhost:3000"
    assert status(await raw(host, request("GET /admin/host/status", name=name))) == 200
    assert status(await raw(host, request("GET /_openai/v1/models", page, name=name))) == 200


async def test_functions_answer_any_name_and_any_page_as_on_azure(host: Served) -> None:
    answer = await raw(
        host, request("GET /api/echo", "Origin: https://evil.example", name="evil.example")
    )
    assert status(answer) == 200
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize("path", ["//admin/host/status", "/api/../admin/host/status", "/admin",
                                  "/%2561dmin/host/status", "/./admin/host/status", "/%5Fopenai/v1/models",
                                  "/admin%2fhost%2fstatus", "/\\admin\\host\\status"])  # fmt: skip
async def test_no_spelling_of_a_path_gets_around_that(host: Served, path: str) -> None:
    answer = await raw(host, request(f"GET {path}", name="evil.example"))
    assert status(answer) in {400, 403, 404}


async def test_the_page_of_the_host_says_nothing_of_the_machine_to_others(host: Served) -> None:
    own = await raw(host, request("GET /"))
    other = await raw(host, request("GET /", name="evil.example"))
    assert status(other) == 200, "who asks whether the app is up gets to know"
    assert b"echo" in own
    assert b"echo" not in other
    assert b"/tmp" not in other


async def test_why_an_app_does_not_run_is_told_to_this_machine_only(tmp_path: Path) -> None:
    write_app(tmp_path, {"function_app.py": "import nothing_of_that_name\n"})
    async with served(tmp_path, channel="inprocess") as broken:
        own = await broken.get("/api/x")
        other = await broken.get("/api/x", headers={"Host": "evil.example"})
    assert (own.status, other.status) == (503, 503)
    assert "nothing_of_that_name" in own.text
    assert other.text == "Function host is not running.\n"


# Requests within requests

FRAMINGS = {
    "both": ["Content-Length: 6", "Transfer-Encoding: chunked"],
    "both the other way": ["Transfer-Encoding: chunked", "Content-Length: 6"],
    "two lengths": ["Content-Length: 6", "Content-Length: 0"],
    "a list": ["Content-Length: 6, 6"],
    "a sign": ["Content-Length: +6"],
    "a negative one": ["Content-Length: -6"],
    "hexadecimal": ["Content-Length: 0x6"],
    "another alphabet": ["Content-Length: \xb2"],
    "no coding": ["Transfer-Encoding: xchunked"],
    "twice": ["Transfer-Encoding: chunked, chunked"],
    "not last": ["Transfer-Encoding: chunked, identity"],
    "space": ["Transfer-Encoding : chunked"],
    "folded": ["Transfer-Encoding:\r\n chunked"],
    "tab": ["Transfer-Encoding:\x0bchunked"],
    "carriage return": ["X: a\rTransfer-Encoding: chunked"],
    "zero byte": ["X: a\0b"],
}
CHUNKS = [
    b"-5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
    b"0_5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhelloXX0\r\n\r\n",
    b"FFFFFFFFFFFFFFFFF\r\nhello", b"5;a\nb\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n", b"G\r\nhello",
]  # fmt: skip
HIDDEN = b"0\r\n\r\nGET /api/echo/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("headers", FRAMINGS.values(), ids=FRAMINGS)
async def test_no_request_hides_in_the_body_of_another(host: Served, headers: list[str]) -> None:
    answer = await raw(host, request("POST /api/echo", *headers, body=HIDDEN))
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.") == 1
    assert lines_about(host, "hidden") == []


@pytest.mark.parametrize("chunks", CHUNKS)
async def test_chunks_that_are_none_are_refused(host: Served, chunks: bytes) -> None:
    data = request("POST /api/echo", "Transfer-Encoding: chunked", body=chunks)
    answer = await raw(host, data)
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.") == 1


async def test_an_old_client_has_no_chunks(host: Served) -> None:
    data = (
        b"POST /api/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
    )
    assert status(await raw(host, data + b"0\r\n\r\n")) == 400


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9", "HTTP/9.9", "http/1.1", ""])
async def test_other_versions_are_not_spoken(host: Served, version: str) -> None:
    data = f"GET /api/echo {version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    assert status(await raw(host, data)) in {400, 505}


@pytest.mark.parametrize(
    ("line", "headers", "expected"),
    [
        ("GET /api/echo?" + "a" * 9000, [], 414),
        ("GET /api/echo", [f"X-{n}: y" for n in range(150)], 431),
        ("GET /api/echo", ["X: " + "y" * 40_000], 431),
    ],
    ids=["address", "many headers", "a long header"],
)
async def test_heads_without_end_are_refused(
    host: Served, line: str, headers: list[str], expected: int
) -> None:
    assert status(await raw(host, request(line, *headers))) == expected


# Answers


@pytest.mark.parametrize(
    "given",
    [
        '{"headers": {"x-a": "b\\r\\nSet-Cookie: c=d"}}',
        '{"headers": {"x-a": "b\\nc"}}',
        '{"headers": {"x-a": "b\\u0000c"}}',
        '{"headers": {"x-a\\r\\nSet-Cookie: c": "d"}}',
        '{"headers": {"x a": "b"}}',
        '{"headers": {"content-type": "text/html\\r\\nSet-Cookie: c=d"}}',
        '{"headers": {"location": "/x\\r\\nSet-Cookie: c=d"}, "status": 302}',
        '{"cookies": [{"name": "a", "value": "b", "path": "/\\r\\nSet-Cookie: c=d"}]}',
        '{"cookies": [{"name": "a", "value": "b", "domain": "x\\nSet-Cookie: c=d"}]}',
    ],
)
async def test_no_value_of_a_function_adds_headers_to_its_answer(host: Served, given: str) -> None:
    answer = await host.post("/api/answer", data=given)
    assert answer.status == 500
    assert "Set-Cookie" not in answer.headers


async def test_names_and_values_of_cookies_are_quoted(host: Served) -> None:
    given = '{"cookies": [{"name": "a\\r\\nX: y", "value": "b\\r\\n\\r\\n<html>"}]}'
    answer = await host.post("/api/answer", data=given)
    assert answer.status == 200
    assert answer.cookies == ("a%0D%0AX%3A%20y=b%0D%0A%0D%0A%3Chtml%3E; path=/",)
    assert "X" not in answer.headers


# What people read

# No clock shows this hour, so no line of ours begins like it.
LINE = "24:00:00%20GET%20/api/admin%20→%20200%20(1%20ms)".replace("→", "%E2%86%92")


@pytest.mark.parametrize("mark", ["%0A", "%0D", "%0D%0A", "%0B", "%0C", "%C2%85", "%E2%80%A8"])
@pytest.mark.parametrize("path", ["/api/echo?q=", "/api/fail?q=", "/api/none/", "/api/echo/"])
async def test_no_caller_forges_a_line_of_the_console(host: Served, path: str, mark: str) -> None:
    await send(host, "GET", f"{path}x{mark}{LINE}")
    await host.until_printed(path.partition("?")[0].removesuffix("/"))
    assert [line for line in host.printed.splitlines() if line.startswith("24:00:00 GET")] == []


async def test_no_caller_moves_the_cursor(host: Served) -> None:
    evil = "%1B[2J%1B]0;title%07%08%7F%C2%9B2K%E2%80%AEx%1B[31m"
    for path in ("/api/echo?q=", "/api/fail?q=", "/api/none/", "/api/echo/", "/admin/host/keys/"):
        await send(host, "GET", f"{path}{evil}")
    await host.until_printed("/api/none/")
    for line in host.printed.splitlines():
        shown = line.replace("\x1b[31m", "").replace("\x1b[0m", "")  # the app may colour its lines
        assert shown.replace("\t", "").isprintable(), ascii(line)
    served_lines = [line for line in host.printed.splitlines() if "→" in line]
    assert not any("\x1b" in line for line in served_lines)


# Bodies

BODIES = {
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "digits": b'{"a": ' + b"9" * 1_000_000 + b"}",
    "an exponent": b'{"a": 1e999999999}',
    "many names": b"{" + b",".join(b'"k%d": 1' % n for n in range(50_000)) + b"}",
    "half a pair": b'{"input": "\\ud800", "value": "\\udfff", "a": "\\ud800"}',
    "packed": gzip.compress(bytes(10_000_000)),
    "no text": bytes(range(256)) * 100,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_no_body_is_too_much_for_what_reads_it(host: Served, body: bytes) -> None:
    for method, path in (
        ("POST", "/api/echo"),
        ("POST", "/admin/functions/echo"),
        ("PUT", "/admin/host/state"),
        ("PUT", "/admin/host/keys/k"),
        ("PUT", "/admin/host/systemkeys/_master"),
        ("POST", "/_openai/v1/chat/completions"),
        ("POST", "/_openai/v1/embeddings"),
        ("POST", "/_openai/faults"),
    ):
        headers = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
        async with asyncio.timeout(PATIENCE):
            answer = await host.request(method, path, data=body, headers=headers)
        assert answer.status < 500, (path, answer.text)
        if path == "/api/echo":
            assert answer.text == str(len(body)), "a function gets a body as it was sent"
    assert "funcemu itself failed" not in host.printed


async def test_an_expression_of_a_route_that_takes_for_ever_ends(host: Served) -> None:
    answer = await host.get("/api/slow/" + "a" * 60 + "!")
    assert answer.status == 500
    await host.until_printed("The regular expression '^(a+)+$' of a route was given up after 1 s")
    assert (await host.get("/api/slow/aaa")).text == "slow"


@pytest.mark.parametrize(
    "name",
    ["..", "../host", "..%2f..%2fetc%2fpasswd", "%00", "CON", "echo%00", "echo/../..", "a" * 5000, "é", "%ff",
     "_master", "echo%0d%0a"],
)  # fmt: skip
async def test_no_name_leads_out_of_the_admin_api(host: Served, name: str) -> None:
    for path in (f"functions/{name}", f"functions/{name}/keys", f"functions/{name}/keys/x"):
        answer = await send(host, "GET", f"/admin/{path}")
        assert answer.status in {400, 404}, path
    answer = await send(host, "PUT", f"/admin/host/keys/{name}", data=b'{"value": "x"}')
    assert answer.status in {200, 201, 400, 404, 405}
    assert "root:" not in answer.text
    assert (await host.get("/admin/host/keys")).status == 200
