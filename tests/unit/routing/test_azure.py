"""Routes that work here and do otherwise, or harm, on Azure."""

from __future__ import annotations

import pytest

from emulator.model import Problem, Severity
from emulator.routing.table import Precedence, RouteEntry, RouteTable


def route(
    name: str, own: str, *methods: str, prefix: str = "api", written: tuple[str, ...] = ()
) -> RouteEntry[str]:
    template = f"{prefix}/{own.strip('/')}".strip("/")
    upper = frozenset(each.upper() for each in (*methods, *written)) or None
    return RouteEntry(name, template, upper, name, own, frozenset(written) or None)


def findings(*entries: RouteEntry[str], precedence: Precedence = "name") -> list[Problem]:
    found = RouteTable.build(entries, precedence=precedence)[1]
    return [each for each in found if each.is_finding]


@pytest.mark.parametrize(
    ("own", "prefix"),
    [("/hello", "api"), ("/{*route}", "api"), ("//hello", ""), ("hello//", ""), ("hello//", "api")],
)
def test_slashes_that_azure_does_not_leave_out(own: str, prefix: str) -> None:
    (problem,) = findings(route("f", own, prefix=prefix))
    assert (problem.code, problem.severity) == ("route-leading-slash", Severity.INFO)
    assert problem.message == f"The route '{own}' of function 'f' is taken as '{own.strip('/')}'"
    assert problem.hint is not None
    assert problem.hint.startswith(f"Write '{own.strip('/')}'")
    assert problem.azure is not None
    assert problem.azure.startswith("The whole host fails to start, with every function")


def test_a_route_that_is_nothing_but_a_slash() -> None:
    (problem,) = findings(route("f", "/"))
    assert problem.hint == "Set routePrefix in host.json to an empty text."


@pytest.mark.parametrize(
    ("own", "prefix"), [("hello", "api"), ("hello/", "api"), ("/hello", ""), ("/{*route}", "")]
)
def test_slashes_that_mean_nothing_anywhere(own: str, prefix: str) -> None:
    assert findings(route("f", own, prefix=prefix)) == []


def test_a_malformed_route_stops_the_whole_host_there() -> None:
    (problem,) = findings(route("f", "{a"))
    assert problem.code == "route-invalid"
    assert problem.azure is not None
    assert problem.azure.startswith("The whole host fails to start")


def test_a_hidden_route_is_hidden_there_too() -> None:
    (problem,) = findings(route("a", "{*rest}"), route("b", "b"))
    assert (problem.code, problem.severity) == ("route-unreachable", Severity.WARNING)
    assert problem.azure == "The same: 'b' is never called."


def test_the_order_asked_for_here_does_not_count_there() -> None:
    (problem,) = findings(route("a", "{*rest}"), route("b", "b"), precedence="specificity")
    assert (problem.code, problem.severity) == ("route-unreachable", Severity.INFO)
    assert problem.message == ("Function 'b' is reached because of --route-precedence specificity")
    assert problem.azure == (
        "The route 'api/b' of function 'b' can never be reached: every request for it goes to "
        "'a' (api/{*rest})."
    )


def test_the_order_asked_for_is_no_finding_where_it_changes_nothing() -> None:
    assert findings(route("a", "a"), route("b", "{*rest}"), precedence="specificity") == []


def test_a_conflict_that_azure_does_not_see() -> None:
    (problem,) = findings(route("a", "x", written=("GET",)), route("b", "x", written=("get",)))
    assert (problem.code, problem.severity) == ("route-conflict", Severity.ERROR)
    assert problem.azure == (
        "Methods are compared with case ('get', 'GET'), so no conflict is seen: both functions "
        "are there, and 'b' is never called."
    )


@pytest.mark.parametrize("written", [(), ("GET",), ("GET", "post")])
def test_a_conflict_that_azure_sees_too(written: tuple[str, ...]) -> None:
    entries = route("a", "x", written=("GET", "POST")), route("b", "x", written=written)
    (problem,) = findings(*entries)
    assert (problem.code, problem.azure) == ("route-conflict", None)
