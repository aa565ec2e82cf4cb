from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.config.hostjson import HostConfig, HstsConfig, HttpConfig, load_host_config
from emulator.config.settings import Settings
from emulator.model import Problem, RetryPolicy, Severity, SourceSpan


def load(root: Path, text: str | None, **settings: str) -> tuple[HostConfig, list[Problem]]:
    if text is not None:
        (root / "host.json").write_text(text, encoding="utf-8")
    config, problems = load_host_config(root, Settings.of(settings))
    # What matters on Azure only has tests of its own (test_azure.py).
    return config, [each for each in problems if each.severity is not Severity.INFO]


def sound(root: Path, text: str, **settings: str) -> HostConfig:
    config, problems = load(root, text, **settings)
    assert problems == []
    return config


def with_version(text: str) -> str:
    return '{"version": "2.0", ' + text + "}"


def test_without_the_file_the_defaults_count_and_nothing_is_written(tmp_path: Path) -> None:
    config, problems = load(tmp_path, None)
    assert problems == []
    assert config == HostConfig()
    assert config.function_timeout == 1800
    assert config.http.route_prefix == "api"
    assert list(tmp_path.iterdir()) == []


def test_an_empty_object_counts_as_no_file(tmp_path: Path) -> None:
    assert sound(tmp_path, "{}") == HostConfig()
    name = "AzureFunctionsJobHost__functionTimeout"
    assert sound(tmp_path, "{}", **{name: "00:00:05"}).function_timeout == 5


def test_reads_everything(tmp_path: Path) -> None:
    config = sound(
        tmp_path,
        """{
        "version": "2.0", // with a comment
        "functionTimeout": "00:10:00",
        "functions": ["a", "b"],
        "watchDirectories": ["Shared"],
        "watchFiles": ["x.yaml"],
        "fileWatchingEnabled": false,
        "sendCanceledInvocationsToWorker": false,
        "managedDependency": {"enabled": true},
        "metadataProviderTimeout": "00:00:10",
        "retry": {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:01"},
        "logging": {"logLevel": {"default": "warning", "Function": "Debug"},
                    "applicationInsights": {}},
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle"},
        "extensions": {
            "http": {
                "routePrefix": "/v1/",
                "maxOutstandingRequests": 20,
                "maxConcurrentRequests": 10,
                "dynamicThrottlesEnabled": true,
                "customHeaders": {"X-A": "1", "X-B": 2},
                "hsts": {"isEnabled": true, "maxAge": "10", "excludedHosts": ["x"]}
            },
            "openai": {"searchProvider": {"type": "x"}}
        }
        }""",
    )
    assert config == HostConfig(
        function_timeout=600,
        functions=("a", "b"),
        watch_directories=("node_modules", "Shared"),
        watch_files=("x.yaml",),
        file_watching_enabled=False,
        send_canceled_invocations=False,
        managed_dependencies=True,
        metadata_timeout=10,
        retry=RetryPolicy("fixedDelay", 2, delay=1),
        log_levels={"default": "Warning", "Function": "Debug"},
        http=HttpConfig(
            route_prefix="v1",
            max_outstanding_requests=20,
            max_concurrent_requests=10,
            dynamic_throttles_enabled=True,
            custom_headers={"X-A": "1", "X-B": "2"},
            hsts=HstsConfig(enabled=True, max_age=864000, excluded_hosts=("x",)),
        ),
        extensions=config.raw["extensions"],
        raw=config.raw,
    )
    assert config.extension("OpenAI") == {"searchProvider": {"type": "x"}}
    assert config.extension("queues") == {}


def test_keys_are_compared_without_case(tmp_path: Path) -> None:
    config = sound(tmp_path, '{"Version": "2.0", "EXTENSIONS": {"Http": {"routeprefix": ""}}}')
    assert config.http.route_prefix == ""


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        pytest.param(
            '{"functionTimeout": "00:00:30"}',
            "host-json-version-missing",
            "The host.json file is missing the required 'version' property. See "
            "https://aka.ms/functions-hostjson for steps to migrate the configuration file.",
            id="no version",
        ),
        pytest.param(
            '{"version": "1.0"}',
            "host-json-version-invalid",
            "'1.0' is an invalid value for host.json 'version' property. We recommend you set the "
            "'version' property to '2.0'. See https://aka.ms/functions-hostjson for more "
            "information on this configuration file.",
            id="version 1",
        ),
        pytest.param(
            '{"version": "3.0"}',
            "host-json-version-invalid",
            "'3.0' is an invalid value for host.json 'version' property. We recommend you set the "
            "'version' property to '2.0'. This does not correspond to the function runtime "
            "version, only to the schema version of the host.json file. See "
            "https://aka.ms/functions-hostjson for more information on this configuration file.",
            id="version 3",
        ),
        pytest.param(
            with_version('"functionTimeout": "00:00:00.5"'),
            "host-json-function-timeout",
            "FunctionTimeout must be greater than 00:00:01 and less than "
            "10675199.02:48:05.4775807.",
            id="timeout too short",
        ),
        pytest.param(
            with_version('"functionTimeout": "5 minutes"'),
            "host-json-function-timeout",
            "functionTimeout: '5 minutes' is not a time span; write hh:mm:ss or d.hh:mm:ss",
            id="timeout unreadable",
        ),
        pytest.param(
            with_version('"retry": {"strategy": "fixedDelay"}'),
            "host-json-retry",
            "Value cannot be null. (Parameter 'maxRetryCount')",
            id="retry",
        ),
        pytest.param(
            with_version('"logging": {"logLevel": {"default": "Warn"}}'),
            "host-json-log-level",
            "'Warn' is not a log level",
            id="log level",
        ),
        pytest.param(
            with_version('"extensions": {"http": {"maxConcurrentRequests": true}}'),
            "host-json-bad-value",
            "extensions.http.maxConcurrentRequests of host.json is true, but has to be a whole "
            "number",
            id="number",
        ),
        pytest.param(
            with_version('"extensions": {"http": {"dynamicThrottlesEnabled": "yes"}}'),
            "host-json-bad-value",
            "extensions.http.dynamicThrottlesEnabled of host.json is 'yes', but has to be true or "
            "false",
            id="flag",
        ),
        pytest.param(
            with_version('"extensions": {"http": {"routePrefix": []}}'),
            "host-json-bad-value",
            "extensions.http.routePrefix of host.json is a list, but has to be a text",
            id="text",
        ),
        pytest.param(
            with_version('"extensions": []'),
            "host-json-bad-value",
            "extensions of host.json is a list, but has to be an object",
            id="object",
        ),
        pytest.param(
            with_version('"watchFiles": {}'),
            "host-json-bad-value",
            "watchFiles of host.json is an object, but has to be a list of texts",
            id="list",
        ),
        pytest.param(
            with_version('"metadataProviderTimeout": "x"'),
            "host-json-bad-value",
            "metadataProviderTimeout: 'x' is not a time span; write hh:mm:ss or d.hh:mm:ss",
            id="time span",
        ),
    ],
)
def test_what_azure_would_not_start_with_is_an_error(
    tmp_path: Path, text: str, code: str, message: str
) -> None:
    _, (problem,) = load(tmp_path, text)
    assert (problem.code, problem.message) == (code, message)
    assert problem.severity is Severity.ERROR
    assert problem.where == SourceSpan("host.json", 1)


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_where_a_body_ends_is_for_the_server_to_say(tmp_path: Path, name: str) -> None:
    headers = f'{{"{name}": "7", "X-A": "1"}}'
    text = with_version(f'"extensions": {{"http": {{"customHeaders": {headers}}}}}')
    config, (problem,) = load(tmp_path, text)
    assert problem.code == "host-json-header"
    assert config.http.custom_headers == {"X-A": "1"}


def test_a_mistake_is_named_with_its_line_and_the_rest_counts(tmp_path: Path) -> None:
    config, (problem,) = load(
        tmp_path, with_version('\n"functionTimeout": "x",\n"functions": ["a"]')
    )
    assert problem.where == SourceSpan("host.json", 2)
    assert config.function_timeout == 1800
    assert config.functions == ("a",)


@pytest.mark.parametrize(
    ("text", "rest", "line"),
    [
        ("{", "host.json is not valid JSON: the '{' of line 1 is not closed (line 1, column 2)", 1),
        ("\n[]", "It is not an object.", 2),
    ],
)
def test_a_file_that_cannot_be_parsed_is_one_error(
    tmp_path: Path, text: str, rest: str, line: int
) -> None:
    config, (problem,) = load(tmp_path, text)
    assert config == HostConfig()
    assert problem.code == "host-json-invalid"
    assert problem.message == (
        f"Unable to parse host configuration file '{tmp_path / 'host.json'}'. {rest}"
    )
    assert problem.where is not None
    assert problem.where.line == line


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            '"functionTimeOut2": 1',
            "'functionTimeOut2' means nothing in host.json and is ignored",
            "Did you mean 'functionTimeout'?",
        ),
        ('"zzz": 1', "'zzz' means nothing in host.json and is ignored", None),
        (
            '"queues": {}',
            "'queues' at the top of host.json belongs to version 1 and is ignored",
            'Move it into "extensions": { "queues": … }.',
        ),
        (
            '"extensions": {"http": {"routePrefx": ""}}',
            "'routePrefx' means nothing in extensions.http of host.json and is ignored",
            "Did you mean 'routePrefix'?",
        ),
    ],
)
def test_unknown_keys_are_warnings(
    tmp_path: Path, text: str, message: str, hint: str | None
) -> None:
    _, (problem,) = load(tmp_path, with_version(text))
    assert (problem.message, problem.hint) == (message, hint)
    assert problem.severity is Severity.WARNING


def test_a_schema_is_no_unknown_key(tmp_path: Path) -> None:
    sound(tmp_path, with_version('"$schema": "x"'))


@pytest.mark.parametrize("value", ['"-1"', "-1"])
def test_a_timeout_of_minus_one_is_none(tmp_path: Path, value: str) -> None:
    assert sound(tmp_path, with_version(f'"functionTimeout": {value}')).function_timeout is None


@pytest.mark.parametrize("value", ["null", '""'])
def test_an_empty_timeout_is_the_default(tmp_path: Path, value: str) -> None:
    assert sound(tmp_path, with_version(f'"functionTimeout": {value}')).function_timeout == 1800


def test_the_shortest_timeout_is_one_second(tmp_path: Path) -> None:
    assert sound(tmp_path, with_version('"functionTimeout": "00:00:01"')).function_timeout == 1


@pytest.mark.parametrize(
    ("name", "value", "read", "expected"),
    [
        ("extensions__http__routePrefix", "v9", lambda c: c.http.route_prefix, "v9"),
        ("EXTENSIONS__HTTP__ROUTEPREFIX", "", lambda c: c.http.route_prefix, ""),
        ("functionTimeout", "00:00:05", lambda c: c.function_timeout, 5),
        ("fileWatchingEnabled", "false", lambda c: c.file_watching_enabled, False),
        ("managedDependency__enabled", "true", lambda c: c.managed_dependencies, True),
        ("functions__0", "a", lambda c: c.functions, ("a",)),
        ("watchDirectories__0", "S", lambda c: c.watch_directories, ("node_modules", "S")),
        ("extensions__http__maxConcurrentRequests", "7",
         lambda c: c.http.max_concurrent_requests, 7),
        ("logging__logLevel__Function", "Error", lambda c: c.level_for("Function.x"), "Error"),
        ("extensions__openai__x", "y", lambda c: c.extension("openai"), {"x": "y"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ['{"version": "2.0"}', None], ids=["with file", "without file"])
def test_settings_override_the_file(
    tmp_path: Path, text: str | None, name: str, value: str, read: Any, expected: object
) -> None:
    config, problems = load(tmp_path, text, **{f"AzureFunctionsJobHost__{name}": value})
    assert problems == []
    assert read(config) == expected


def test_a_bad_override_is_named_with_its_setting(tmp_path: Path) -> None:
    _, (problem,) = load(
        tmp_path, '{"version": "2.0"}', AzureFunctionsJobHost__functionTimeout="soon"
    )
    assert str(problem.where) == "AzureFunctionsJobHost__functionTimeout (environment)"


@pytest.mark.parametrize(
    ("category", "level"),
    [
        ("Function.hello", "Error"),
        ("function.HELLO.User", "Error"),
        ("Function.other", "Debug"),
        ("Host.Startup", "Warning"),
        ("", "Warning"),
    ],
)
def test_the_longest_category_gives_the_level(tmp_path: Path, category: str, level: str) -> None:
    config = sound(
        tmp_path,
        with_version(
            '"logging": {"logLevel": {"Default": "Warning", "Function": "Debug", '
            '"Function.hello": "Error"}}'
        ),
    )
    assert config.level_for(category) == level


def test_without_levels_there_is_no_opinion() -> None:
    assert HostConfig().level_for("Function.x") is None


def test_equal_files_make_equal_configurations(tmp_path: Path) -> None:
    first = sound(tmp_path, with_version('"functions": ["a"]'))
    assert sound(tmp_path, "// moved\n" + with_version('"functions": ["a"]')) == first
