"""Which function answers which address: templates, constraints, methods, order, prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.hosted import HEAD, hosted, probed, raw, send
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

ECHO = """
import json

def echo(name, req):
    return json.dumps({"fn": name, "method": req.method, "params": dict(req.route_params)})
"""


def routed(routes: dict[str, tuple[str | None, list[str] | None]]) -> str:
    """Return an app with one function per route that says who it is and what it got."""
    code = HEAD + ECHO
    for name, (route, methods) in routes.items():
        given = ", ".join(
            f"{key}={value!r}"
            for key, value in (("route", route), ("methods", methods))
            if value is not None
        )
        code += (
            f"@app.route({given})\n"
            f"def {name}(req: func.HttpRequest) -> str:\n"
            f"    return echo({name!r}, req)\n"
        )
    return code


ROUTES: dict[str, tuple[str | None, list[str] | None]] = {
    "plain": (None, None),
    "MixedCase": (None, None),
    "get_only": ("getonly", ["GET"]),
    "get_post": ("getpost", ["GET", "POST"]),
    "verbs_a": ("verbs", ["GET"]),
    "verbs_b": ("verbs", ["POST", "DELETE"]),
    "verbs_c": ("verbs", ["HEAD"]),
    "options": ("options", ["OPTIONS"]),
    "products": ("node/products/{category:alpha?}/{id:guid?}", None),
    "order": ("orders/{id:int}", None),
    "order_name": ("orders/{name}", None),
    "ranged": ("ranged/{n:int:min(1):max(9)}", None),
    "longs": ("longs/{n:long}", None),
    "bools": ("bools/{n:bool}", None),
    "dates": ("dates/{n:datetime}", None),
    "decimals": ("decimals/{n:decimal}", None),
    "doubles": ("doubles/{n:double}", None),
    "floats": ("floats/{n:float}", None),
    "guids": ("guids/{n:guid}", None),
    "alphas": ("alphas/{n:alpha}", None),
    "lengths": ("lengths/{n:length(3)}", None),
    "length_range": ("lengthrange/{n:length(2,4)}", None),
    "min_length": ("minlength/{n:minlength(3)}", None),
    "max_length": ("maxlength/{n:maxlength(3)}", None),
    "ranges": ("ranges/{n:range(10,20)}", None),
    "regexes": (r"regexes/{n:regex(^\d{{3}}-[a-z]+$)}", None),
    "required": ("requireds/{n:required}", None),
    "optional": ("optional/{x?}", None),
    "optionals": ("optionals/{x?}/{y?}", None),
    "defaulted": ("defaulted/{x=first}", None),
    "default_int": ("defaultint/{n:int=7}", None),
    "catch": ("catch/{*rest}", None),
    "catch_double": ("catchdouble/{**rest}", None),
    "range_pair": ("pair/{a}-{b}", None),
    "extension": ("files/{name}.{ext?}", None),
    "braces": ("braces/{{literal}}", None),
    "dashes": ("with-dash/under_score/dot.json", None),
    "leading": ("/leading/slash", None),
    "trailing": ("trailing/slash/", None),
    "spaces": ("with space/{x}", None),
    "unicode": ("über/{x}", None),
    "mid_parameter": ("things/{id}/parts/{part:int}", None),
}

host = hosted({"function_app.py": routed(ROUTES)})

GUID = "4e2796ae-b865-4071-8a20-2a15cbaf856c"

FOUND: list[tuple[str, str, str, dict[str, str]]] = [
    ("GET", "plain", "plain", {}),
    ("GET", "PLAIN", "plain", {}),
    ("GET", "plain/", "plain", {}),
    ("GET", "mixedcase", "MixedCase", {}),
    ("GET", "MIXEDCASE/", "MixedCase", {}),
    ("PATCH", "plain", "plain", {}),
    ("DELETE", "plain", "plain", {}),
    ("PUT", "plain", "plain", {}),
    ("OPTIONS", "plain", "plain", {}),
    ("TRACE", "plain", "plain", {}),
    ("GET", "getonly", "get_only", {}),
    ("POST", "getpost", "get_post", {}),
    ("GET", "verbs", "verbs_a", {}),
    ("POST", "verbs", "verbs_b", {}),
    ("DELETE", "verbs", "verbs_b", {}),
    ("OPTIONS", "options", "options", {}),
    ("GET", f"node/products/electronics/{GUID}", "products",
     {"category": "electronics", "id": GUID}),
    ("GET", "node/products/electronics", "products", {"category": "electronics"}),
    ("GET", "node/products", "products", {}),
    ("GET", "node/products/", "products", {}),
    ("GET", "orders/12", "order", {"id": "12"}),
    ("GET", "orders/twelve", "order_name", {"name": "twelve"}),
    ("GET", "orders/99999999999", "order_name", {"name": "99999999999"}),
    ("GET", "ranged/1", "ranged", {"n": "1"}),
    ("GET", "ranged/9", "ranged", {"n": "9"}),
    ("GET", "longs/99999999999", "longs", {"n": "99999999999"}),
    ("GET", "longs/-5", "longs", {"n": "-5"}),
    ("GET", "bools/TRUE", "bools", {"n": "TRUE"}),
    ("GET", "dates/2024-05-31", "dates", {"n": "2024-05-31"}),
    ("GET", "dates/2024-05-31T10:20:30Z", "dates", {"n": "2024-05-31T10:20:30Z"}),
    ("GET", "decimals/1.50", "decimals", {"n": "1.50"}),
    ("GET", "doubles/1e5", "doubles", {"n": "1e5"}),
    ("GET", "floats/-1.5", "floats", {"n": "-1.5"}),
    ("GET", f"guids/{GUID.upper()}", "guids", {"n": GUID.upper()}),
    ("GET", f"guids/{GUID.replace('-', '')}", "guids", {"n": GUID.replace("-", "")}),
    ("GET", "alphas/AbC", "alphas", {"n": "AbC"}),
    ("GET", "lengths/abc", "lengths", {"n": "abc"}),
    ("GET", "lengthrange/ab", "length_range", {"n": "ab"}),
    ("GET", "lengthrange/abcd", "length_range", {"n": "abcd"}),
    ("GET", "minlength/abcdef", "min_length", {"n": "abcdef"}),
    ("GET", "maxlength/a", "max_length", {"n": "a"}),
    ("GET", "ranges/10", "ranges", {"n": "10"}),
    ("GET", "ranges/20", "ranges", {"n": "20"}),
    ("GET", "regexes/123-abc", "regexes", {"n": "123-abc"}),
    ("GET", "requireds/x", "required", {"n": "x"}),
    ("GET", "optional", "optional", {}),
    ("GET", "optional/", "optional", {}),
    ("GET", "optional/v", "optional", {"x": "v"}),
    ("GET", "optionals/1", "optionals", {"x": "1"}),
    ("GET", "optionals/1/2", "optionals", {"x": "1", "y": "2"}),
    ("GET", "defaulted", "defaulted", {"x": "first"}),
    ("GET", "defaulted/second", "defaulted", {"x": "second"}),
    ("GET", "defaultint", "default_int", {"n": "7"}),
    ("GET", "defaultint/8", "default_int", {"n": "8"}),
    ("GET", "catch", "catch", {}),
    ("GET", "catch/a", "catch", {"rest": "a"}),
    ("GET", "catch/a/b/c.txt", "catch", {"rest": "a/b/c.txt"}),
    ("GET", "catchdouble/a/b", "catch_double", {"rest": "a/b"}),
    ("GET", "pair/left-right", "range_pair", {"a": "left", "b": "right"}),
    ("GET", "pair/a-b-c", "range_pair", {"a": "a-b", "b": "c"}),
    ("GET", "files/report.pdf", "extension", {"name": "report", "ext": "pdf"}),
    ("GET", "files/report", "extension", {"name": "report"}),
    ("GET", "braces/{literal}", "braces", {}),
    ("GET", "with-dash/under_score/dot.json", "dashes", {}),
    ("GET", "leading/slash", "leading", {}),
    ("GET", "trailing/slash", "trailing", {}),
    ("GET", "trailing/slash/", "trailing", {}),
    ("GET", "with%20space/x", "spaces", {"x": "x"}),
    ("GET", "%C3%BCber/x", "unicode", {"x": "x"}),
    ("GET", "orders/KeepsCase", "order_name", {"name": "KeepsCase"}),
    ("GET", "orders/a%20b", "order_name", {"name": "a b"}),
    ("GET", "orders/caf%C3%A9", "order_name", {"name": "café"}),
    ("GET", "orders/a%2Fb", "order_name", {"name": "a%2Fb"}),
    ("GET", "orders/a+b", "order_name", {"name": "a+b"}),
    ("GET", "orders/100%25", "order_name", {"name": "100%"}),
    ("GET", "%70lain", "plain", {}),
    ("GET", "things/7/parts/3", "mid_parameter", {"id": "7", "part": "3"}),
    ("GET", "plain?x=1", "plain", {}),
    ("GET", "plain?", "plain", {}),
]  # fmt: skip

NOT_FOUND = [
    ("GET", "unknown"),
    ("GET", ""),
    ("GET", "plain/more"),
    ("GET", "plain//"),
    ("GET", "/plain"),
    ("GET", "optionals//2"),
    ("POST", "getonly"),
    ("HEAD", "getonly"),
    ("OPTIONS", "getonly"),
    ("PUT", "getpost"),
    ("PUT", "verbs"),
    ("GET", "options"),
    ("GET", "node/products/electronics/notaguid"),
    ("GET", f"node/products/999/{GUID}"),
    ("GET", "ranged/0"),
    ("GET", "ranged/10"),
    ("GET", "ranged/x"),
    ("GET", "longs/99999999999999999999"),
    ("GET", "bools/yes"),
    ("GET", "dates/2024-13-31"),
    ("GET", "decimals/abc"),
    ("GET", "doubles/1,2,x"),
    ("GET", "guids/123"),
    ("GET", "alphas/a1"),
    ("GET", "lengths/abcd"),
    ("GET", "lengthrange/a"),
    ("GET", "lengthrange/abcde"),
    ("GET", "minlength/ab"),
    ("GET", "maxlength/abcd"),
    ("GET", "ranges/9"),
    ("GET", "ranges/21"),
    ("GET", "regexes/12-abc"),
    ("GET", "requireds/"),
    ("GET", "requireds"),
    ("GET", "orders"),
    ("GET", "pair/nodash"),
    ("GET", "things/7/parts/x"),
    ("GET", "things/7/parts"),
    ("GET", "plain%2F"),
]


def name_of(case: tuple[Any, ...]) -> str:
    return f"{case[0]} {case[1] or '(root)'}"


@pytest.mark.parametrize("case", FOUND, ids=name_of)
async def test_a_matching_route_answers_with_its_values_as_text(
    host: Served, case: tuple[str, str, str, dict[str, str]]
) -> None:
    method, path, function, params = case
    answer = await send(host, method, f"/api/{path}")
    assert answer.status == 200
    assert answer.json == {"fn": function, "method": method, "params": params}


@pytest.mark.parametrize("case", NOT_FOUND, ids=name_of)
async def test_what_matches_no_route_is_an_empty_404_never_405(
    host: Served, case: tuple[str, str]
) -> None:
    method, path = case
    answer = await send(host, method, f"/api/{path}")
    assert (answer.status, answer.body) == (404, b"")
    assert "Allow" not in answer.headers
    assert "Content-Type" not in answer.headers


async def test_head_reaches_a_function_that_takes_it_and_has_no_body(host: Served) -> None:
    answer = await send(host, "HEAD", "/api/verbs")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    everything = await send(host, "HEAD", "/api/plain")
    assert (everything.status, everything.body) == (200, b"")


async def test_paths_outside_of_the_prefix_are_unknown(host: Served) -> None:
    for path in ("/plain", "/apis/plain", "/favicon.ico", "/robots933456.txt", "/api"):
        answer = await host.get(path)
        assert (answer.status, answer.body) == (404, b"")


async def test_the_prefix_is_compared_without_case(host: Served) -> None:
    assert (await host.get("/API/plain")).status == 200


async def test_a_later_function_of_a_shadowed_route_is_never_reached_and_told(
    tmp_path: Path, channel: str
) -> None:
    app = write_app(
        tmp_path, {"function_app.py": routed({"A": ("{*rest}", ["GET"]), "B": ("b", ["GET"])})}
    )
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/b")).json == {
            "fn": "A", "method": "GET", "params": {"rest": "b"}
        }  # fmt: skip
        await host.until_printed("The route 'api/b' of function 'B' can never be reached")
        await host.until_printed("--route-precedence specificity")


async def test_specificity_is_a_choice(tmp_path: Path, channel: str) -> None:
    app = write_app(
        tmp_path, {"function_app.py": routed({"A": ("{*rest}", ["GET"]), "B": ("b", ["GET"])})}
    )
    async with served(app, "--route-precedence", "specificity", channel=channel) as host:
        assert (await host.get("/api/b")).json["fn"] == "B"
        assert (await host.get("/api/c")).json["fn"] == "A"
        assert "can never be reached" not in host.printed


async def test_one_route_with_the_same_method_twice_is_an_error_of_the_second(
    tmp_path: Path, channel: str
) -> None:
    routes = {"A": ("same", ["GET"]), "B": ("SAME/", ["GET", "POST"]), "C": ("other", None)}
    app = write_app(tmp_path, {"function_app.py": routed(routes)})
    async with served(app, channel=channel) as host:
        told = "The route specified conflicts with the route defined by function 'A'."
        assert (await host.get("/api/same")).json["fn"] == "A"
        assert (await host.post("/api/same")).status == 404
        assert (await host.get("/api/other")).status == 200
        await host.until_printed(told)
        assert (await host.get("/admin/functions/B/status")).json == {"errors": [told]}
        assert (await host.get("/admin/functions/A/status")).json == {}


async def test_routes_under_built_in_ones_are_errors_of_their_functions(
    tmp_path: Path, channel: str
) -> None:
    routes = {
        "a": ("admin/x", None),
        "b": ("administrators", None),
        "c": ("/Runtime/x", None),
        "good": ("good", None),
    }
    app = write_app(tmp_path, {"function_app.py": routed(routes)})
    async with served(app, channel=channel) as host:
        told = "The specified route conflicts with one or more built in routes."
        for name in "abc":
            assert (await host.get(f"/admin/functions/{name}/status")).json == {"errors": [told]}
        assert (await host.get("/api/administrators")).status == 404
        assert (await host.get("/api/good")).status == 200


@pytest.mark.parametrize(
    "route",
    ["{id:nonsense}", "{a}{b}", "x/{id", "{*rest}/x", "{id:int", "a//b", "{x}/{X}", "q?x=1"],
)
async def test_a_template_that_cannot_be_used_takes_down_its_own_function_only(
    tmp_path: Path, route: str
) -> None:
    routes = {"bad": (route, None), "good": ("good", None)}
    app = write_app(tmp_path, {"function_app.py": routed(routes)})
    async with served(app, channel="inprocess") as host:
        assert (await host.get("/api/good")).status == 200
        errors = (await host.get("/admin/functions/bad/status")).json["errors"]
        assert "An error occurred while creating the route with name 'bad'" in errors[0]
        assert f"'api/{route}'" in errors[0]


async def test_the_route_prefix_of_host_json_counts(tmp_path: Path, channel: str) -> None:
    host_json = '{"version": "2.0", "extensions": {"http": {"routePrefix": "v1/Things"}}}'
    app = write_app(
        tmp_path, {"function_app.py": routed({"hello": (None, None)}), "host.json": host_json}
    )
    async with served(app, channel=channel) as host:
        assert (await host.get("/v1/things/hello")).status == 200
        assert (await host.get("/api/hello")).status == 404
        await host.until_printed(f"hello:  {host.url}/v1/Things/hello")


async def test_the_environment_overrides_the_route_prefix(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": routed({"hello": (None, None)})})
    settings = {"AzureFunctionsJobHost__extensions__http__routePrefix": "v9"}
    async with served(app, channel=channel, settings=settings) as host:
        assert (await host.get("/v9/hello")).status == 200
        assert (await host.get("/api/hello")).status == 404


async def test_without_a_prefix_functions_sit_at_the_root(tmp_path: Path, channel: str) -> None:
    host_json = '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'
    routes = {"hello": (None, None), "slash": ("/slash", None)}
    app = write_app(tmp_path, {"function_app.py": routed(routes), "host.json": host_json})
    async with served(app, channel=channel) as host:
        assert (await host.get("/hello")).status == 200
        assert (await host.get("/slash")).status == 200
        home = await host.get("/")
        assert home.status == 200
        assert home.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("line", ["OPTIONS *", "CONNECT example.com:443", "GET /x"])
async def test_a_target_without_a_path_is_for_nobody(tmp_path: Path, line: str) -> None:
    host_json = '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'
    app = write_app(
        tmp_path, {"function_app.py": routed({"all": ("{*all}", None)}), "host.json": host_json}
    )
    async with served(app, channel="inprocess") as host:
        sent = f"{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        status = (await raw(host, sent.encode())).split()[1]
        assert status == (b"200" if line == "GET /x" else b"404")


@pytest.mark.parametrize("route", ["{*all}", "{x?}"])
async def test_a_function_at_the_root_replaces_the_home_page_but_not_the_admin_api(
    tmp_path: Path, channel: str, route: str
) -> None:
    host_json = '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'
    app = write_app(
        tmp_path, {"function_app.py": routed({"root": (route, None)}), "host.json": host_json}
    )
    async with served(app, channel=channel) as host:
        assert (await host.get("/")).json == {"fn": "root", "method": "GET", "params": {}}
        assert (await host.get("/x")).json["fn"] == "root"
        assert (await host.get("/admin/host/status")).json["state"] == "Running"
        for path in ("/admin/nothing", "/runtime/webhooks/x", "/%61dmin/host/nothing"):
            answer = await send(host, "GET", path)
            assert (answer.status, answer.body) == (404, b""), path


async def test_a_prefix_below_admin_is_told_to_be_unreachable(tmp_path: Path, channel: str) -> None:
    host_json = '{"version": "2.0", "extensions": {"http": {"routePrefix": "admin/api"}}}'
    app = write_app(
        tmp_path, {"function_app.py": routed({"hello": (None, None)}), "host.json": host_json}
    )
    async with served(app, channel=channel) as host:
        assert (await host.get("/admin/api/hello")).status == 404
        await host.until_printed("can never be reached: the path belongs to the host")


async def test_an_empty_list_of_methods_matches_nothing_and_is_told(
    tmp_path: Path, channel: str
) -> None:
    app = write_app(
        tmp_path,
        {
            "f/function.json": (
                '{"bindings": ['
                '{"type": "httpTrigger", "direction": "in", "name": "req", "methods": []},'
                '{"type": "http", "direction": "out", "name": "$return"}]}'
            ),
            "f/__init__.py": "def main(req): return 'x'\n",
        },
    )
    async with served(app, channel=channel) as host:
        assert (await host.get("/api/f")).status == 404
        await host.until_printed("its list of methods is empty")


async def test_a_route_on_another_trigger_is_ignored(tmp_path: Path, channel: str) -> None:
    code = HEAD + (
        "@app.generic_trigger(arg_name='x', type='probeTrigger', route='here')\n"
        "def other(x) -> None:\n    pass\n"
        "@app.route(route='here')\n"
        "def here(req: func.HttpRequest) -> str:\n    return 'here'\n"
    )
    app = write_app(tmp_path / "app", {"function_app.py": code})
    async with probed(app, channel=channel, kept=tmp_path / "kept") as host:
        assert (await host.get("/api/here")).text == "here"
