"""Files of the app: JSON with comments, settings, host.json, function.json, keys."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from emulator.config.hostjson import load_host_config
from emulator.config.jsonc import MAX_DEPTH, parse
from emulator.config.jsonedit import set_value
from emulator.config.settings import Settings, load_settings
from emulator.config.timespan import format_timespan, parse_timespan
from emulator.discovery.functionjson import Folder, read_folder
from emulator.errors import ConfigError, StateError
from emulator.model import Problem, Severity
from emulator.server.keys import KeyStore
from tests.fuzz.grammar import SCALARS, TEXTS, VALUES, deep, one_of, record, written
from tests.fuzz.target import Check, Target, always, as_bytes, text_of

BREAK = b"\0--\0"
"""Stands between the parts of an input that has several."""


def _constant(name: str) -> Any:
    raise ValueError(name)


def _depth(value: Any) -> int:
    below = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(map(_depth, below), default=0) if isinstance(below, list) else 0


def check_jsonc(data: bytes) -> None:
    text = text_of(data)
    try:
        plain = json.loads(text, parse_constant=_constant)
    except (ValueError, RecursionError):
        plain = parse  # is equal to nothing
    try:
        document = parse(text, "some.json")
    except ConfigError as error:
        assert plain is parse or text.count("{") + text.count("[") > MAX_DEPTH, "valid JSON refused"
        assert error.where is not None
        assert error.where.file == "some.json"
        lines = text.count("\n") + 1
        assert error.where.line is not None
        assert 1 <= error.where.line <= lines
        return
    if plain is not parse:
        assert document.value == plain
        assert repr(document.value) == repr(plain), "other types or another order"
    for path in _paths((), document.value):
        assert document.line_of(path) is not None
        start, end = document.extent(path)
        assert start < end
    if isinstance(document.value, dict) and _depth(document.value) < MAX_DEPTH - 3:
        changed = parse(set_value(text, ("Values", "NEW"), "x", file="some.json"), "some.json")
        assert any(
            key.lower() == "values" and value.get("NEW", value.get("new")) == "x"
            for key, value in changed.value.items()
            if isinstance(value, dict)
        ) or any(_has_x(value) for value in changed.value.values())
        for key, value in document.value.items():
            assert key.lower() == "values" or repr(changed.value[key]) == repr(value)


def _has_x(value: Any) -> bool:
    return isinstance(value, dict) and "x" in [v for k, v in value.items() if k.lower() == "new"]


def _paths(path: tuple[Any, ...], value: Any) -> Iterator[tuple[Any, ...]]:
    yield path
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, each in list(items)[:20]:
        yield from _paths((*path, key), each)


def told(problems: Iterable[Problem]) -> None:
    """See that each problem says what, and where."""
    for problem in problems:
        assert problem.message
        assert problem.code
        assert problem.where is not None or problem.severity is Severity.INFO, problem


@contextmanager
def host_json() -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)

        def check(data: bytes) -> None:
            content, _, overrides = data.partition(BREAK)
            (root / "host.json").write_bytes(content)
            lines = [line.partition("=") for line in text_of(overrides).splitlines()]
            values = {f"AzureFunctionsJobHost__{name}": value for name, _, value in lines}
            config, problems = load_host_config(root, Settings.of(values))
            told(problems)
            assert config.function_timeout is None or config.function_timeout >= 1
            assert config.metadata_timeout >= 0
            for name, value in config.http.custom_headers.items():
                assert name.isascii() and name.isprintable() and value.isprintable()
            config.level_for("Function.x")
            config.extension("openai")
            json.dumps(config.raw)

        yield check


@contextmanager
def function_json() -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "F").mkdir()
        (root / "F" / "__init__.py").write_text("def main(req): ...\n")
        (root / "outside.py").write_text("def main(req): ...\n")

        def check(data: bytes) -> None:
            (root / "F" / "function.json").write_bytes(data)
            model, problems = read_folder(Folder("F", root / "F"))
            told(problems)
            assert (model is None) == any(each.severity is Severity.ERROR for each in problems)
            if model is not None:
                assert model.trigger.name
                assert (model.directory / model.script_file).is_file()

        yield check


@contextmanager
def settings() -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)

        def check(data: bytes) -> None:
            file, _, env = data.partition(BREAK)
            (root / "local.settings.json").write_bytes(file)
            (root / ".env").write_bytes(env)
            found, problems = load_settings(root, {"HOME": "/home/me"})
            told(problems)
            for name, value in found.worker_environment().items():
                name.encode()
                value.encode()
                assert name and not {"\0", "="} & set(name), name
                assert "\0" not in value
                assert len(value) < 1 << 20, "no process can be given such a value"
            for each in found:
                assert found.get(each.name) == each.value
                assert each.source is not None
            port = found.host.port
            assert port is None or 0 <= port <= 65535

        yield check


def check_timespan(data: bytes) -> None:
    text = text_of(data)
    try:
        seconds = parse_timespan(text)
    except ValueError as error:
        assert "is not a time span" in str(error) or "is too long" in str(error), error
        return
    again = parse_timespan(format_timespan(seconds))
    assert abs(again - seconds) <= 1e-6 * max(1, abs(seconds))


@contextmanager
def keys() -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "functions").mkdir()

        def check(data: bytes) -> None:
            host, _, function = data.partition(BREAK)
            (root / "host.json").write_bytes(host)
            (root / "functions" / "f.json").write_bytes(function)
            with suppress(StateError):
                store = KeyStore(root)
                assert not store.opens("function", "wrong\udcff", "F")
                for given in [*store.scope("function", "F").keys.values(), store.master]:
                    assert store.opens("function", given, "F")
                store.put("function", "more", None, "F")
                json.dumps(list(store.scope("systemkeys").keys.items())).encode()

        yield check


_BINDING = record(
    name=one_of("req", "$return", "a", "a__b"),
    type=one_of("httpTrigger", "http", "timerTrigger", "queue"),
    direction=one_of("in", "out", "inout"),
    dataType=one_of("string", "binary"),
    route=TEXTS,
    methods=st.lists(TEXTS, max_size=3),
    authLevel=one_of("anonymous", "function"),
    cardinality=one_of("one", "many"),
)
_RETRY = record(
    strategy=one_of("fixedDelay", "exponentialBackoff"),
    maxRetryCount=SCALARS,
    delayInterval=one_of("00:00:01", "1"),
    minimumInterval=TEXTS,
    maximumInterval=TEXTS,
)
_FUNCTION = record(
    bindings=st.lists(_BINDING, max_size=3),
    scriptFile=one_of(
        "__init__.py", "../outside.py", "../../../etc/passwd", "x" * 400, "a\0b", "/etc/hosts"
    ),
    entryPoint=TEXTS,
    disabled=SCALARS,
    retry=_RETRY,
    configurationSource=TEXTS,
)
_HTTP = record(
    routePrefix=TEXTS,
    maxOutstandingRequests=SCALARS,
    maxConcurrentRequests=SCALARS,
    dynamicThrottlesEnabled=st.booleans(),
    customHeaders=st.dictionaries(TEXTS, TEXTS, max_size=3),
    hsts=record(isEnabled=st.booleans(), maxAge=TEXTS, excludedHosts=st.lists(TEXTS, max_size=2)),
)
_HOST = record(
    version=one_of("2.0", "3.0", 2.0),
    functionTimeout=one_of("00:05:00", "-1", "1e999", "9" * 5000, 5),
    functions=st.lists(TEXTS, max_size=3),
    watchDirectories=st.lists(TEXTS, max_size=3),
    retry=_RETRY,
    extensions=record(http=_HTTP, openai=VALUES),
    logging=record(logLevel=st.dictionaries(TEXTS, TEXTS, max_size=3)),
    metadataProviderTimeout=TEXTS,
    fileWatchingEnabled=SCALARS,
)
_LOCAL = record(
    IsEncrypted=st.booleans(),
    Values=st.dictionaries(TEXTS, VALUES, max_size=5),
    ConnectionStrings=st.dictionaries(TEXTS, VALUES, max_size=3),
    Host=record(
        LocalHttpPort=SCALARS, CORS=TEXTS, CORSCredentials=st.booleans(), LocalHttpAddress=TEXTS
    ),
)
_NAMES = st.one_of(one_of("A", "B", "export A", "Pa.th", "É"), TEXTS)
_RESTS = st.one_of(
    TEXTS,
    one_of('"a\\nb"', "'x", '"y', "${A}${A}${A}", "${B:-x}", " # note", '"a" b', "a" + " " * 9000),
)
_ENV = st.lists(st.tuples(_NAMES, _RESTS).map("=".join), max_size=8).map("\n".join).map(as_bytes)
_PARTS = st.sampled_from(["extensions__http__routePrefix", "functionTimeout", "watchFiles__0",
                          "logging__logLevel__default", "version", "a__0__1__2", "____"])  # fmt: skip
_OVERRIDES = (
    st.lists(st.tuples(_PARTS, TEXTS).map("=".join), max_size=3).map("\n".join).map(as_bytes)
)
_KEY = record(name=one_of("default", "master"), value=TEXTS, encrypted=st.booleans())
_HOST_KEYS = record(
    masterKey=_KEY, functionKeys=st.lists(_KEY, max_size=3), systemKeys=st.lists(_KEY, max_size=2)
)


def _two(one: st.SearchStrategy[bytes], other: st.SearchStrategy[bytes]) -> Any:
    return st.tuples(one, other).map(BREAK.join)


_NESTED = st.one_of(deep("[", "1", "]"), deep('{"a":', "1", "}"))
_COMMENTED = st.builds(
    lambda value, note: value.replace(b", ", b", " + note + b"\n", 2),
    written(VALUES),
    one_of(b"// x", b"/* x */", b"/*", b",", b"\t"),
)

TARGETS = (
    Target("jsonc", always(check_jsonc), st.one_of(written(VALUES), _COMMENTED, _NESTED)),
    Target("hostjson", host_json, _two(st.one_of(written(_HOST), _NESTED), _OVERRIDES)),
    Target("functionjson", function_json, st.one_of(written(_FUNCTION), _NESTED)),
    Target("settings", settings, _two(st.one_of(written(_LOCAL), _NESTED), _ENV)),
    Target(
        "timespan",
        always(check_timespan),
        st.from_regex(r"\s?-?([0-9]{1,9}[.:]){0,4}[0-9]{1,8}", fullmatch=True).map(as_bytes),
    ),
    Target(
        "keys",
        keys,
        _two(
            st.one_of(written(_HOST_KEYS), _NESTED),
            written(record(keys=st.lists(_KEY, max_size=3))),
        ),
    ),
)
