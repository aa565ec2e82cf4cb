"""Sample paths for routes."""

from __future__ import annotations

import pytest

from emulator.errors import RouteError
from emulator.routing.matcher import Matcher
from emulator.routing.samples import fill, sample_values
from emulator.routing.template import parse_template


@pytest.mark.parametrize(
    "route",
    [
        "hello",
        "items/{id}",
        "items/{id:int}/parts/{part:guid}",
        "{a:bool}/{b:datetime}/{c:decimal}/{d:alpha}",
        "{a:minlength(5)}/{b:maxlength(2)}/{c:length(4)}/{d:range(90,110)}/{e:min(50)}",
        "files/{*path}",
        "pair/{a}-{b}",
        "optional/{x?}",
        "default/{x=5}",
        "name.{format?}",
        "x{b=5}",
        ".{b?}",
        "{a?}/b",
        "{a=1}/{b?}/c/{d?}/{e=2}",
    ],
)
def test_a_sample_path_is_taken_by_its_route(route: str) -> None:
    template = parse_template(f"api/{route}")
    path = fill(template, sample_values(template))
    assert Matcher(template).match(path) is not None, path


def test_what_may_be_absent_is() -> None:
    template = parse_template("a/{b?}")
    assert fill(template, sample_values(template)) == "a"


def test_given_values_are_put_in() -> None:
    assert fill(parse_template("a/{b}/{c?}"), {"b": "x", "c": "y"}) == "a/x/y"


def test_a_constraint_no_sample_meets_is_told() -> None:
    with pytest.raises(RouteError, match="no sample for the route parameter 'x:regex"):
        sample_values(parse_template("{x:regex(^zz9$)}"))
