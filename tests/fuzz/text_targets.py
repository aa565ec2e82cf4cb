"""Texts that are parsed to be used on requests: routes, expressions, templates, CORS, hosts."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bindings.openai.models.templates import TemplateError, check, render
from emulator.errors import ConfigError, ExpressionError, RouteError
from emulator.expressions.parse import parse, substitute_settings
from emulator.model import Severity
from emulator.routing import constraints
from emulator.routing.matcher import Matcher
from emulator.routing.samples import fill, sample_values
from emulator.routing.table import RouteEntry, RouteTable, decoded
from emulator.routing.template import parse_template
from emulator.server.cors import Cors
from emulator.server.guard import is_foreign
from tests.fuzz.config_targets import BREAK
from tests.fuzz.grammar import ODD_TEXTS, TEXTS, VALUES, one_of, written
from tests.fuzz.target import Check, Target, always, as_bytes, text_of


@contextmanager
def routes() -> Iterator[Check]:
    before = constraints.MOST_SECONDS
    constraints.MOST_SECONDS = 0.02
    try:
        yield check_routes
    finally:
        constraints.MOST_SECONDS = before


def check_routes(data: bytes) -> None:
    """The first part holds templates, one a line, the second paths."""
    first, _, second = data.partition(BREAK)
    templates = text_of(first).splitlines()[:8]
    paths = text_of(second).split("\n")[:8]
    entries = [RouteEntry(f"f{index}", each, None, index) for index, each in enumerate(templates)]
    for precedence in ("name", "specificity"):
        table, problems = RouteTable.build(entries, precedence=precedence)  # type: ignore[arg-type]
        for problem in problems:
            assert problem.message
            assert problem.function
            assert problem.severity is not Severity.ERROR or problem.hint or problem.azure
        for path in paths:
            decoded(path)
            with suppress(RouteError):  # an expression of the app's that takes too long
                table.match("GET", f"/{path}")
    for each in templates:
        try:
            template = parse_template(each)
        except RouteError as error:
            assert error.message
            continue
        with suppress(RouteError):
            path = fill(template, sample_values(template))
            if any(each.default is not None for each in template.parameters):
                continue  # its constraints may not hold for it
            if "/" not in "".join(sample_values(template).values()):
                assert Matcher(template).match(path) is not None, (each, path)


def check_expressions(data: bytes) -> None:
    first, _, second = data.partition(BREAK)
    text = text_of(first)
    try:
        known = json.loads(second)
    except (ValueError, RecursionError):
        known = {}
    values: dict[str, Any] = known if isinstance(known, dict) else {"value": known}
    with suppress(ExpressionError):
        text = substitute_settings(text, lambda name: f"<{name}>" if len(name) < 9 else None)
        expression = parse(text)
        assert expression.source == text
        if expression.is_constant:
            assert "".join(map(str, expression.pieces)).count("{") <= text.count("{")
        result = expression.resolve(
            values,
            now=lambda: datetime(2026, 1, 31, 23, 59, 59, 123456, UTC),
            random_id=lambda: "0f8fad5b-d9cb-469f-a165-70867728950e",
            method_name="f",
        )
        assert isinstance(result, str)


def check_templates(data: bytes) -> None:
    first, _, second = data.partition(BREAK)
    text = text_of(first)
    try:
        value = json.loads(second)
    except (ValueError, RecursionError):
        value = None
    names = {"user": "Hi {user}", "result": value, "results": [value]}
    try:
        check(text)
    except TemplateError:
        with suppress(TemplateError):
            render(text, names)
        return
    with suppress(TemplateError):
        render(text, names)


def check_cors(data: bytes) -> None:
    """The first part is the setting, the second an origin, the third what a preflight asks for."""
    parts = [*text_of(data).split(text_of(BREAK)), "", "", ""]
    given = {
        "FUNCTIONS_ENABLE_CORS_CONFIGURATION": "1",
        "CORS_ALLOWED_ORIGINS": parts[0],
        "CORS_SUPPORT_CREDENTIALS": "true" if len(parts[0]) % 2 else "",
    }
    try:
        cors = Cors.of_settings(given.get)
    except ConfigError as error:
        assert error.hint
        return
    if cors is None:
        return
    str(cors)
    headers = {
        "Origin": parts[1],
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": parts[2],
    }
    answer = cors.preflight("OPTIONS", headers)
    assert answer is not None
    allowed = answer.get("Access-Control-Allow-Origin")
    assert allowed in {None, "*", parts[1]}
    named = json.loads(parts[0])
    if allowed is not None and allowed != "*":
        assert allowed.lower() in {each.strip().rstrip("/").lower() for each in named}
    if "Access-Control-Allow-Credentials" in answer:
        assert allowed != "*"


_NAME = re.compile(r"(?a)(?:([^\s/@:\[\]]+?)\.?|\[([^\s/@\[\]]+)\])(?::\d{0,5})?")


def _is_ours(host: str) -> bool:
    """Whether a host is a loopback one, looked at in another way than the guard does."""
    found = _NAME.fullmatch(host)
    name = (found[1] or found[2]) if found is not None else host
    if f".{name.lower()}".endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_guard(data: bytes) -> None:
    """A Host header, and an Origin or nothing. What passes is a name of this machine."""
    parts = text_of(data).split(text_of(BREAK))
    headers = {"Host": parts[0]}
    if len(parts) > 1:
        headers["Origin"] = parts[1]
    if is_foreign(headers, served_as=frozenset({"127.0.0.1"})) is None:
        assert _is_ours(parts[0]), parts
        if len(parts) > 1:
            scheme, _, host = parts[1].partition("://")
            assert scheme.lower() in {"http", "https"}, parts
            assert _is_ours(host), parts


_CONSTRAINTS = one_of(
    "int", "long", "bool", "datetime", "decimal", "double", "float", "guid", "alpha", "required",
    "min(1)", "max(9)", "range(1,5)", "length(2,9)", "maxlength(3)", "regex(^a+$)", "regex((a+)+$)",
    "regex((a|a)*b)", "regex([[)", "regex((?i)x)", "regex(x(?i))", "regex(\\\\d{{3}})", "min(x)", "nonsense", "",
)  # fmt: skip
_PARAMETER = st.builds(
    lambda name, constraints, end, star: (
        "{" + star + name + "".join(f":{c}" for c in constraints) + end + "}"
    ),
    st.one_of(one_of("a", "b", "c", "d", "e"), ODD_TEXTS),
    st.lists(_CONSTRAINTS, max_size=2),
    one_of("", "", "?", "=5", "=?"),
    one_of("", "", "*", "**"),
)
_PIECE = st.one_of(_PARAMETER, one_of("-", ".", "x", "/", "api", "{{", "~", "é", "ß"), TEXTS)
_TEMPLATE = st.lists(_PIECE, max_size=9).map("".join).map(lambda text: text.replace("\n", ""))
_PATH = st.one_of(
    TEXTS,
    one_of("1" * 6000 + "x", "a" * 40 + "!", "-" * 3000 + "/x", "a-" * 2000 + "/", "%2f%", "%ff%41",
           " " * 3000 + "x", "1," * 3000 + "x", ".." * 1500 + "y", "A-b.c-d"),
    st.text("ab-./1, ", max_size=20),
)  # fmt: skip
_BREAK = text_of(BREAK)

ROUTES = st.builds(
    lambda templates, paths: as_bytes("\n".join(templates) + _BREAK + "\n".join(paths)),
    st.lists(_TEMPLATE, min_size=1, max_size=4),
    st.lists(_PATH, max_size=4),
)
_EXPRESSION = st.lists(
    st.one_of(
        one_of("{", "}", "{a}", "{a.b.c}", "{Query.x-y}", "%A%", "%", "{rand-guid:N}", "{DateTime:yyyy}",
               "{sys.randguid}", "{sys.utcnow:o}", "{datetime:'x}", "{datetime:%}", "{a:D}", "{{", "}}",
               "{" * 3000, "{datetime:" + "y" * 3000 + "}", "{sys.x.y}", "%%", "{DateTime:fffffffFFFFFFFKKzzz}"),
        TEXTS,
    ),
    max_size=6,
).map("".join)  # fmt: skip
_DATA = written(st.dictionaries(one_of("a", "Query", "rand-guid", "A"), VALUES, max_size=3))
_SCRIPT_TEXT = st.lists(
    st.one_of(
        one_of("{user}", "{result[0].task}", "{len(result)}", "{join(results, a)}", "{json(result)}",
               "{result['x']}", "{{", "}}", "{", "{upper(", "{len(" + "(" * 500 + "}", "{result[-9]}",
               "{result" + ".a" * 900 + "}", "{result[99999999999999999999]}", "{ result }"),
        TEXTS,
    ),
    max_size=6,
).map("".join)  # fmt: skip
_ORIGIN = st.one_of(
    one_of("null", "", "http://localhost:3000", "http://localhost.evil.example", "https://evil.example",
           "http://evil.example@localhost", "http://localhost@evil.example", "http://[::1]", "http://[::1]x",
           "http://localhost:3000/", "http://localhost\t", "https://127.0.0.1.nip.io", "file://", "*",
           "chrome-extension://localhost", "http://LOCALHOST", "http://localhost#@evil", "//localhost"),
    TEXTS,
)  # fmt: skip
_HOST = st.one_of(
    one_of("localhost", "localhost:7071", "localhost.", "evil.localhost", "evil.example", "127.0.0.1",
           "127.0.0.1.nip.io:7071", "[::1]", "[::1]:80", "[::1]evil.example", "[::1", "::1", "::1]",
           "[::ffff:127.0.0.1]", "0.0.0.0", "0", "127.1", "2130706433", "localhost:evil", "localhost:1:2",
           "localhost@evil", "evil@localhost", "localhost/", "[::1]:x", "localhost:99999999", "١٢٧.٠.٠.١"),
    TEXTS,
)  # fmt: skip


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(lambda texts: as_bytes(_BREAK.join(texts)))


_SETTING = st.one_of(
    st.lists(_ORIGIN, max_size=3).map(json.dumps), TEXTS, one_of("[" * 100_000, "[1]", '"*"')
)

TARGETS = (
    Target("routes", routes, ROUTES, seconds=1.0),
    Target(
        "expressions",
        always(check_expressions),
        st.tuples(_EXPRESSION.map(as_bytes), _DATA).map(BREAK.join),
    ),
    Target(
        "templates",
        always(check_templates),
        st.tuples(_SCRIPT_TEXT.map(as_bytes), written(VALUES)).map(BREAK.join),
    ),
    Target("cors", always(check_cors), _joined(_SETTING, _ORIGIN, TEXTS)),
    Target("guard", always(check_guard), st.one_of(_joined(_HOST), _joined(_HOST, _ORIGIN))),
)
