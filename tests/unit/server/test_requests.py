"""The request target."""

from __future__ import annotations

import pytest

from emulator.server.requests import origin_form


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
