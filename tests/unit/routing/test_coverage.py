from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.routing.coverage import covers
from emulator.routing.matcher import Matcher
from emulator.routing.template import parse_template


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("{*rest}", "a/b/{c}"),
        ("{*rest}", ""),
        ("{*rest}", "{*other}"),
        ("a/{*rest}", "a"),
        ("a/{x}", "a/b"),
        ("a/{x}", "A/{y:int}"),
        ("a/{x?}", "a"),
        ("a/{x?}", "a/{y}"),
        ("a/{x:int}", "a/5"),
        ("a/{x:int}", "a/{y:int:min(3)}"),
        ("{a}", "{x}-{y}"),
        ("{a}-{b}", "{x}-{y}"),
        ("a", "a"),
    ],
)
def test_leaves_nothing(wide: str, narrow: str) -> None:
    assert covers(parse_template(wide), parse_template(narrow))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("a", "b"),
        ("a/b", "a"),
        ("a", "a/b"),
        ("a/{x}", "a/{y?}"),
        ("a/{x}", "a/{*y}"),
        ("a/{x:int}", "a/b"),
        ("a/{x:int}", "a/{y}"),
        ("a/{x:int}", "a/{y}-{z}"),
        ("a/{*rest:alpha}", "a/1"),
        ("a/{*rest:alpha}", "a/b/c"),
        ("{a}-{b}", "{x}"),
        ("a/{x}/c", "a/b"),
    ],
)
def test_leaves_something(wide: str, narrow: str) -> None:
    assert not covers(parse_template(wide), parse_template(narrow))


PIECE = st.sampled_from(
    ["a", "b", "1", "{p?}", "{p}", "{p:int}", "{p:int?}", "{p}-x", "{*p}", "{p=d}"]
)
TEMPLATE = st.lists(PIECE, max_size=3).map(
    lambda pieces: "/".join(piece.replace("p", f"p{i}") for i, piece in enumerate(pieces))
)
PATH = st.lists(st.sampled_from(["a", "b", "1", "c", "d-x"]), max_size=4).map("/".join)


@given(TEMPLATE, TEMPLATE, st.lists(PATH, max_size=8))
@settings(max_examples=150, deadline=None)
def test_what_a_covered_route_matches_the_wider_one_matches(
    wide: str, narrow: str, paths: list[str]
) -> None:
    if any("{*" in text.rpartition("/")[0] for text in (wide, narrow)):
        return  # a catch-all inside is no route
    one, other = parse_template(wide), parse_template(narrow)
    if covers(one, other):
        for path in paths:
            assert Matcher(other).match(path) is None or Matcher(one).match(path) is not None
