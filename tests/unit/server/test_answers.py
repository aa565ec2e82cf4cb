"""Answers of functions: what is sent, and what cannot be."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from itertools import product

import pytest
from aiohttp import web
from multidict import CIMultiDict

from emulator.errors import BindingError
from emulator.model import HttpResponseData
from emulator.server.answers import Answer, write_response

HEADERS: Sequence[Sequence[tuple[str, str]]] = (
    (),
    (("Set-Cookie", "a=1"), ("content-type", "text/plain"), ("set-cookie", "b=2")),
    (("date", "yesterday"), ("SERVER", "me"), ("Connection", "close")),
)
LAST = b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BIG = b"12345678" * 50_000
Kind = tuple[int, bytes, Sequence[tuple[str, str]]]
Make = Callable[[int, CIMultiDict[str], bytes], web.StreamResponse]


def aiohttps(status: int, headers: CIMultiDict[str], body: bytes) -> web.StreamResponse:
    return web.Response(status=status, headers=headers, body=body)


async def told(make: Make, request: bytes, kinds: Sequence[Kind], *, end: bool) -> list[str]:
    """Ask for every kind of answer; return all that came back, without the time of it. With `end`
    each answer ends its connection."""
    wanted = iter(kinds)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/end":
            return web.Response()
        status, body, headers = next(wanted)
        answer = make(status, CIMultiDict(headers), body)
        if end:
            answer.force_close()
        return answer

    server = web.Server(handle, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    found = []
    for _ in kinds:
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        # Behind an answer that keeps the connection another one, so that its end is seen.
        writer.write(request if b"close" in request else request + LAST)
        found.append(re.sub(r"Date: \w+, [^\r]+", "Date: now", (await reader.read()).decode()))
        writer.close()
    listening.close()
    await server.shutdown(0)
    return found


@pytest.mark.parametrize("end", [False, True], ids=["as asked", "forced to end"])
@pytest.mark.parametrize("wish", ["", "Connection: close\r\n", "Connection: keep-alive\r\n"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_an_answer_says_what_a_response_of_aiohttp_says(
    method: str, version: str, wish: str, end: bool
) -> None:
    request = f"{method} / HTTP/{version}\r\nHost: a\r\n{wish}\r\n".encode()
    kinds = list(product((200, 299, 204, 304, 404), (b"", b"body"), HEADERS))
    found = await told(Answer, request, kinds, end=end)
    assert found == await told(aiohttps, request, kinds, end=end)
    assert all(each.startswith(f"HTTP/{version} ") for each in found)


async def test_an_answer_to_connect_has_a_body_only_when_it_refuses() -> None:
    request = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n"
    kinds = [(status, b"body", ()) for status in (200, 404)]
    found = await told(Answer, request, kinds, end=True)
    assert found == await told(aiohttps, request, kinds, end=True)
    assert [each.endswith("body") for each in found] == [False, True]


async def test_a_big_body_arrives_whole() -> None:
    kinds = [(200, BIG, ())]
    found = await told(Answer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", kinds, end=True)
    assert found[0].partition("\r\n\r\n")[2].encode() == BIG


def test_a_response_keeps_order_and_repeats_of_its_headers() -> None:
    pairs = (("Set-Cookie", "a=1"), ("X-A", "1"), ("set-cookie", "b=2"))
    made = write_response(HttpResponseData(201, pairs, b"body"))
    assert (made.status, made.body) == (201, b"body")
    assert made.headers.getall("Set-Cookie") == ["a=1", "b=2"]


def test_headers_of_the_connection_are_left_out() -> None:
    pairs = (("Content-Length", "9"), ("TRANSFER-ENCODING", "x"), ("connection", "close"))
    assert not write_response(HttpResponseData(200, pairs)).headers


@pytest.mark.parametrize("status", [-1, 0, 99, 100, 101, 199, 1000, 99999])
def test_a_status_that_ends_nothing_is_refused(status: int) -> None:
    with pytest.raises(BindingError, match=f"the status {status} is none"):
        write_response(HttpResponseData(status))


@pytest.mark.parametrize("status", [200, 204, 299, 304, 451, 599, 799, 999])
def test_every_other_status_is_sent(status: int) -> None:
    assert write_response(HttpResponseData(status)).status == status


@pytest.mark.parametrize("value", ["é", "a\nb", "a\rb", "\0", "\x7f", "a\x01", "✓", "\udcff"])
def test_a_header_value_that_cannot_be_sent_is_refused(value: str) -> None:
    with pytest.raises(BindingError, match="Invalid non-ASCII or control character in header: X"):
        write_response(HttpResponseData(200, (("X", value),)))


@pytest.mark.parametrize("value", ["", " ", "a\tb", "~", 'a, b; c="d"', "(){}<>@"])
def test_other_header_values_are_sent(value: str) -> None:
    assert write_response(HttpResponseData(200, (("X", value),))).headers["X"] == value


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\n", "(a)", "a/b"])
def test_a_header_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BindingError, match="is not a name for an HTTP header"):
        write_response(HttpResponseData(200, ((name, "x"),)))
