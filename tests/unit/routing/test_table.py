from __future__ import annotations

from collections.abc import Sequence
from timeit import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.model import Problem, Severity
from emulator.routing.table import Match, Precedence, RouteEntry, RouteTable, decoded


def entry(name: str, route: str, *methods: str, prefix: str = "api") -> RouteEntry[str]:
    own = route.strip("/")
    template = f"{prefix}/{own}".strip("/")
    return RouteEntry(name, template, frozenset(methods) or None, name, own)


def build(
    *entries: RouteEntry[str], precedence: Precedence = "name"
) -> tuple[RouteTable[str], list[Problem]]:
    return RouteTable.build(entries, precedence=precedence)


def sound(*entries: RouteEntry[str]) -> RouteTable[str]:
    table, problems = build(*entries)
    assert problems == []
    return table


def winner(table: RouteTable[str], method: str, path: str) -> str | None:
    match = table.match(method, path)
    return None if match is None else match.target


HELLO = entry("hello", "hello", "GET", "POST")


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/api/hello", True),
        ("get", "/API/HELLO/", True),
        ("POST", "/api/hello", True),
        ("PUT", "/api/hello", False),
        ("HEAD", "/api/hello", False),
        ("OPTIONS", "/api/hello", False),
        ("GET", "/api/hello//", False),
        ("GET", "/api//hello", False),
        ("GET", "//api/hello", False),
        ("GET", "/hello", False),
        ("GET", "/", False),
        ("GET", "", False),
        ("GET", "/api/hell%6F", True),
        ("GET", "/api%2Fhello", False),
    ],
)
def test_a_literal_route(method: str, path: str, found: bool) -> None:
    assert (winner(sound(HELLO), method, path) == "hello") is found


def test_without_methods_every_method_matches() -> None:
    table = sound(entry("f", "x"))
    assert winner(table, "PATCH", "/api/x") == "f"
    assert winner(table, "BREW", "/api/x") == "f"


def test_the_root_can_be_a_route() -> None:
    table = sound(entry("f", "{x?}", prefix=""))
    assert table.match("GET", "/") == Match("f", {"x": None})
    assert winner(sound(entry("f", "", prefix="")), "GET", "/") == "f"


def test_values_keep_the_case_of_the_caller_and_are_decoded() -> None:
    table = sound(entry("f", "users/{id}"))
    match = table.match("GET", "/api/users/J%C3%B6rg%20A%2Fb")
    assert match == Match("f", {"id": "Jörg A%2Fb"})


def test_the_first_function_by_name_wins_whatever_order_they_are_given_in() -> None:
    table, _ = build(entry("b", "b", "GET"), entry("A", "{*rest}", "GET"))
    assert table.match("GET", "/api/b") == Match("A", {"rest": "b"})


def test_a_method_that_does_not_fit_goes_to_the_next_route() -> None:
    table = sound(entry("A", "same", "GET"), entry("B", "same", "POST"))
    assert winner(table, "POST", "/api/same") == "B"
    assert winner(table, "GET", "/api/same") == "A"
    assert winner(table, "PUT", "/api/same") is None


def test_a_constraint_that_does_not_hold_goes_to_the_next_route() -> None:
    table = sound(entry("A", "{id:int}"), entry("B", "{name}"))
    assert winner(table, "GET", "/api/5") == "A"
    assert winner(table, "GET", "/api/x") == "B"


def test_a_literal_route_comes_after_a_parameter_of_an_earlier_function() -> None:
    table, problems = build(entry("A", "{name}", "GET"), entry("B", "b"))
    assert problems == []
    assert table.match("GET", "/api/B") == Match("A", {"name": "B"})
    assert winner(table, "POST", "/api/b") == "B"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/users", "b_literal"),
        ("/api/users/5", "c_number"),
        ("/api/users/me", "d_name"),
        ("/api/users/a-b", "f_pair"),
        ("/api/users/me/x", "e_rest"),
        ("/api/other", "e_rest"),
    ],
)
def test_the_specific_route_wins_when_asked_for(path: str, target: str) -> None:
    table, problems = build(
        entry("a_all", "{*x}", "PUT"),
        entry("b_literal", "users"),
        entry("d_name", "users/{name}"),
        entry("e_rest", "{*rest}", "GET"),
        entry("c_number", "users/{id:int}"),
        entry("f_pair", "users/{x}-{y}"),
        precedence="specificity",
    )
    assert [each.function for each in problems if each.severity is not Severity.INFO] == []
    assert winner(table, "GET", path) == target


def test_of_equally_specific_routes_the_first_by_name_wins() -> None:
    table, _ = build(entry("b", "{y}"), entry("a", "{x}"), precedence="specificity")
    assert winner(table, "GET", "/api/q") == "a"


def test_the_same_route_with_a_common_method_is_an_error_of_the_later_function() -> None:
    table, (problem,) = build(entry("B", "/Same/", "GET", "PUT"), entry("A", "same", "GET"))
    assert problem == Problem(
        "route-conflict",
        "The route specified conflicts with the route defined by function 'A'.",
        hint="Give it another route, or methods of its own.",
        function="B",
    )
    assert winner(table, "GET", "/api/same") == "A"
    assert winner(table, "PUT", "/api/same") is None
    assert [each.name for each in table.entries] == ["A"]


def test_all_methods_conflict_with_any() -> None:
    assert build(entry("A", "x"), entry("B", "x", "GET"))[1][0].function == "B"


def test_other_parameter_names_do_not_conflict_but_hide() -> None:
    _, (problem,) = build(entry("A", "a/{x}"), entry("B", "a/{y}"))
    assert problem.code == "route-unreachable"


@pytest.mark.parametrize("route", ["admin/x", "ADMIN", "/administrators", "runtimes/x"])
@pytest.mark.parametrize("prefix", ["api", ""])
def test_a_route_of_the_host_is_refused(route: str, prefix: str) -> None:
    table, (problem,) = build(entry("f", route, prefix=prefix), entry("g", "ok", prefix=prefix))
    assert problem.code == "route-reserved"
    assert problem.message == "The specified route conflicts with one or more built in routes."
    assert (problem.severity, problem.function) == (Severity.ERROR, "f")
    assert [each.name for each in table.entries] == ["g"]


def test_without_the_own_route_the_whole_template_is_checked() -> None:
    _, (problem,) = RouteTable.build([RouteEntry("f", "admin/x", None, "f")])
    assert problem.code == "route-reserved"


def test_a_malformed_route_takes_down_its_function_only() -> None:
    table, (problem,) = build(entry("bad", "a//b"), entry("good", "g"))
    assert problem.message == (
        "An error occurred while creating the route with name 'bad' and template 'api/a//b'. "
        "Two '/' follow each other in the route."
    )
    assert (problem.code, problem.function) == ("route-invalid", "bad")
    assert winner(table, "GET", "/api/g") == "good"


@pytest.mark.parametrize("template", ["/api/hello", "~/api/hello", "api/hello/"])
def test_slashes_around_a_template_mean_nothing(template: str) -> None:
    table = sound(RouteEntry("f", template, None, "f", "hello"))
    assert winner(table, "GET", "/api/hello") == "f"


def unreachable(entries: Sequence[RouteEntry[str]]) -> list[tuple[str | None, str]]:
    _, problems = build(*entries)
    assert {(each.code, each.severity) for each in problems} <= {
        ("route-unreachable", Severity.WARNING)
    }
    return [(each.function, each.message) for each in problems]


def test_a_route_that_an_earlier_one_hides_is_told() -> None:
    assert unreachable([entry("A", "{*rest}", "GET"), entry("B", "b", "GET")]) == [
        (
            "B",
            "The route 'api/b' of function 'B' can never be reached: every request for it goes to "
            "'A' (api/{*rest})",
        )
    ]


def test_a_route_hidden_by_several_together_is_told() -> None:
    found = unreachable(
        [entry("A", "{x}", "GET"), entry("B", "{y}", "POST"), entry("C", "c", "GET", "POST")]
    )
    assert [name for name, _ in found] == ["C"]
    assert "'A' (api/{x}), 'B' (api/{y})" in found[0][1]


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([entry("A", "{x}", "GET"), entry("B", "b")], id="other methods left"),
        pytest.param([entry("A", "{x:int}"), entry("B", "b")], id="constraint"),
        pytest.param([entry("A", "a"), entry("B", "{*rest}")], id="wider one later"),
    ],
)
def test_a_route_that_can_be_reached_is_not_told(entries: list[RouteEntry[str]]) -> None:
    assert unreachable(entries) == []


@pytest.mark.parametrize("prefix", ["admin", "admin/v1", "runtime"])
def test_a_prefix_of_the_host_is_told(prefix: str) -> None:
    ((name, message),) = unreachable([entry("f", "x", prefix=prefix)])
    assert name == "f"
    assert "the path belongs to the host" in message


def test_an_empty_list_of_methods_never_matches_and_is_told() -> None:
    table, (problem,) = RouteTable.build([RouteEntry("f", "api/x", frozenset(), "f", "x")])
    assert table.match("GET", "/api/x") is None
    assert "its list of methods is empty" in problem.message


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a%20b", "/a b"),
        ("/%41%42", "/AB"),
        ("/%C3%A4", "/ä"),
        ("/%c3%a4%2f%C3%A4", "/ä%2fä"),
        ("/%E4", "/%E4"),
        ("/%zz%2", "/%zz%2"),
        ("/%25", "/%"),
    ],
)
def test_decodes_a_path(path: str, expected: str) -> None:
    assert decoded(path) == expected


@given(st.text(), st.text() | st.text(alphabet="/ab%2F5c3.-"))
@settings(max_examples=200, deadline=None)
def test_no_request_makes_it_fail(method: str, path: str) -> None:
    TABLE.match(method, path)
    TABLE.match(method, "/api/" + path)


ROUTES = ("", "a", "a/b", "a/{x}", "{x}/b", "{x:int}", "{*rest}", "a/{x?}", "b/{x}/c", "{x}-{y}")
TABLE: RouteTable[str] = build(*(entry(f"f{i}", route) for i, route in enumerate(ROUTES)))[0]


@given(st.permutations(ROUTES), st.lists(st.sampled_from(["a", "b", "5", "c", "x-y"]), max_size=4))
@settings(max_examples=150, deadline=None)
def test_the_shortcuts_find_what_trying_every_route_in_order_finds(
    routes: list[str], parts: list[str]
) -> None:
    entries = [entry(f"f{i}", route) for i, route in enumerate(routes)]
    path = "/" + "/".join(["api", *parts])
    table, _ = build(*entries)
    alone = (winner(build(each)[0], "GET", path) for each in entries)
    assert winner(table, "GET", path) == next((name for name in alone if name), None)


@pytest.mark.parametrize(
    ("path", "budget"), [("/api/literal7", 2e-6), ("/api/thing20/5/bob", 10e-6)]
)
def test_matching_is_cheap(path: str, budget: float) -> None:
    table = sound(
        *(entry(f"p{i}", f"thing{i}/{{id:int}}/{{name?}}", "GET") for i in range(30)),
        *(entry(f"l{i}", f"literal{i}", "GET") for i in range(30)),
    )
    best = min(repeat(lambda: table.match("GET", path), number=200, repeat=20)) / 200
    # Three times the aim, so that a busy machine does not fail it.
    assert best < 3 * budget
