from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import RouteError
from emulator.routing.template import Parameter, parse_template


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", ()),
        ("/", ()),
        ("~/", ()),
        ("a/b", (("a",), ("b",))),
        ("/a/b/", (("a",), ("b",))),
        ("~/a", (("a",),)),
        ("a{{b}}", (("a{b}",),)),
        ("{id}", ((Parameter("id"),),)),
        ("{id?}", ((Parameter("id", optional=True),),)),
        ("{id=5}", ((Parameter("id", default="5"),),)),
        ("{id=}", ((Parameter("id", default=""),),)),
        ("{*rest}", ((Parameter("rest", catch_all=True),),)),
        ("{**rest}", ((Parameter("rest", catch_all=True),),)),
        ("{*rest=x}", ((Parameter("rest", catch_all=True, default="x"),),)),
        ("{a}-{b}", ((Parameter("a"), "-", Parameter("b")),)),
        ("v{n}.json", (("v", Parameter("n"), ".json"),)),
        ("file.{ext?}", (("file", ".", Parameter("ext", optional=True)),)),
        ("{n}.{ext?}", ((Parameter("n"), ".", Parameter("ext", optional=True)),)),
    ],
)
def test_parses(text: str, segments: object) -> None:
    assert parse_template(text).segments == segments


@pytest.mark.parametrize(
    ("text", "constraints", "default", "optional"),
    [
        ("{id:int}", ("int",), None, False),
        ("{id:int?}", ("int",), None, True),
        ("{id:int=5}", ("int",), "5", False),
        ("{id:int:min(1)}", ("int", "min(1)"), None, False),
        ("{id:length(2,3)?}", ("length(2,3)",), None, True),
        ("{id:regex(^\\d{{3}}-(a|b)x:=$)}", ("regex(^\\d{3}-(a|b)x:=$)",), None, False),
        ("{id:regex(a/b)}", ("regex(a/b)",), None, False),
        ("{id:regex(a)=(b)}", ("regex(a)",), "(b)", False),
        ("{id:}", (), None, False),
    ],
)
def test_parses_constraints(
    text: str, constraints: tuple[str, ...], default: str | None, optional: bool
) -> None:
    (parameter,) = parse_template(text).parameters
    assert parameter.constraints == constraints
    assert parameter.default == default
    assert parameter.optional is optional
    assert len(parameter.checks) == len(constraints)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a//b", "Two '/' follow each other in the route"),
        ("//a", "Two '/' follow each other in the route"),
        ("~a", "A route cannot start with '~' unless '/' follows"),
        ("a/{b", "The '{' at position 2 of the route is not closed"),
        ("{a{b}", "The '{' at position 0 of the route is not closed"),
        ("a}b", "A '}' of the route has no '{'"),
        ("{}", "'' is no name for a route parameter"),
        ("{?}", "'' is no name for a route parameter"),
        ("{:int}", "'' is no name for a route parameter"),
        ("{a*b}", "'a*b' is no name for a route parameter"),
        ("{a/b}", "'a/b' is no name for a route parameter"),
        ("a?b", "'a?b' of the route has a '?'"),
        ("{a}{b}", "'{a}' and '{b}' of the route follow each other"),
        ("{a}/{A}", "The route parameter name 'A' appears more than one time"),
        ("{*a}/b", "A catch-all can only be the last segment of a route"),
        ("x{*a}", "The catch-all 'a' has to be a segment of its own"),
        ("{a?}x", "The optional 'a' has to be the last part of '{a?}x'"),
        ("x-{a?}", "Before the optional 'a' in 'x-{a?}' only a dot can stand"),
        ("{a=1?}", "The optional route parameter 'a' cannot have a default value"),
        ("{*a?}", "The catch-all route parameter 'a' cannot be optional"),
        ("{a:nope}", "There is no route constraint 'nope'"),
        ("{a:min(}", "The '(' of the route constraint 'min' is not closed"),
    ],
)
def test_says_what_is_wrong_with_a_route(text: str, message: str) -> None:
    with pytest.raises(RouteError) as caught:
        parse_template(text)
    assert caught.value.message == message


@pytest.mark.parametrize(("text", "literal"), [("a/b", True), ("", True), ("a/{b}", False)])
def test_knows_whether_it_has_parameters(text: str, literal: bool) -> None:
    assert parse_template(text).is_literal is literal


@given(st.text() | st.text(alphabet="{}ab/*?:=()~.-"))
@settings(max_examples=250, deadline=None)
def test_never_raises_anything_but_a_route_error(text: str) -> None:
    try:
        parse_template(text)
    except RouteError:
        return
