"""The request target, and answers that cannot be sent."""

from __future__ import annotations

import pytest

from emulator.errors import BindingError
from emulator.model import HttpResponseData
from emulator.server.requests import origin_form, write_response


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a/b?c=d", "/a/b?c=d"),
        ("/", "/"),
        ("//a", "//a"),
        ("http://host/a?b", "/a?b"),
        ("http://host", "/"),
        ("http://host?b=/c", "/?b=/c"),
        ("https://host:80/%2F", "/%2F"),
        ("*", "*"),
        ("host:443", "host:443"),
        ("/http://x/y", "/http://x/y"),
    ],
)
def test_every_form_of_a_target_becomes_path_and_query(target: str, expected: str) -> None:
    assert origin_form(target) == expected


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
