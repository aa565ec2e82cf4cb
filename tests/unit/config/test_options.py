from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emulator.config.localsettings import HostSection
from emulator.config.options import Options, apply_host_section, describe_options, resolve_options
from emulator.errors import ConfigError
from emulator.model import Severity


def pyproject(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(f"[tool.funcemu]\n{text}\n", encoding="utf-8")


def test_without_anything_the_defaults_count(tmp_path: Path) -> None:
    options = resolve_options({}, {}, tmp_path)
    assert options == Options(path=tmp_path)
    assert (options.port, options.host, options.models) == (7071, "127.0.0.1", "auto")
    assert options.state_folder == tmp_path / ".funcemu"
    assert options.given == frozenset()


def test_command_line_wins_over_environment_wins_over_pyproject(tmp_path: Path) -> None:
    pyproject(tmp_path, 'port = 1\nmodels = "live"\noutput = "json"')
    environ = {"FUNCEMU_PORT": "2", "FUNCEMU_MODELS": "offline"}
    options = resolve_options({"port": 3, "verbose": None}, environ, tmp_path)
    assert (options.port, options.models, options.output) == (3, "offline", "json")
    assert options.given == {"port", "models", "output"}


def test_a_false_flag_of_the_command_line_counts(tmp_path: Path) -> None:
    options = resolve_options({"strict": False}, {"FUNCEMU_STRICT": "1"}, tmp_path)
    assert options.strict is False


def test_an_empty_environment_variable_is_none(tmp_path: Path) -> None:
    assert resolve_options({}, {"FUNCEMU_PORT": ""}, tmp_path).port == 7071


@pytest.mark.parametrize(
    ("key", "text", "name", "value"),
    [
        ("port", "0", "port", 0),
        ("host", "0.0.0.0", "host", "0.0.0.0"),
        ("host", "localhost", "host", "localhost"),
        ("host", "[::1]", "host", "::1"),
        ("functions", "a, b,,c", "functions", ("a", "b", "c")),
        ("models", "OFFLINE", "models", "offline"),
        ("ephemeral", "Yes", "ephemeral", True),
        ("verbose", "off", "verbose", False),
        ("cors", "http://a/,*", "cors", ("http://a", "*")),
        ("user_log_level", "debug", "user_log_level", "Debug"),
        ("language_worker", "-m debugpy", "language_worker", "-m debugpy"),
        ("python", "python3.12", "python", "python3.12"),
        ("route_precedence", "specificity", "route_precedence", "specificity"),
        ("debug", "1", "debug", 9091),
        ("debug", "ON", "debug", 9091),
        ("debug", "5678", "debug", 5678),
        ("debug", "0", "debug", None),
        ("debug", "off", "debug", None),
    ],
)
def test_reads_values_from_the_environment(
    tmp_path: Path, key: str, text: str, name: str, value: object
) -> None:
    options = resolve_options({}, {f"FUNCEMU_{key.upper()}": text}, tmp_path)
    assert getattr(options, name) == value


def test_paths_start_where_they_are_written(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    pyproject(app, 'state-dir = "state"\npython = ".venv/bin/python"')
    options = resolve_options({"path": "app"}, {}, tmp_path)
    assert options.path == app
    assert options.state_folder == app / "state"
    assert options.python == str(app / ".venv/bin/python")
    assert resolve_options({"path": "app", "state_dir": "s"}, {}, tmp_path).state_dir == (
        tmp_path / "s"
    )


def test_the_path_may_come_from_the_environment(tmp_path: Path) -> None:
    assert resolve_options({}, {"FUNCEMU_PATH": "app"}, tmp_path).path == tmp_path / "app"


def test_lists_in_pyproject_are_lists(tmp_path: Path) -> None:
    pyproject(tmp_path, 'functions = ["a", "b"]\nenable_auth = true')
    options = resolve_options({}, {}, tmp_path)
    assert options.functions == ("a", "b")
    assert options.enable_auth


@pytest.mark.parametrize(
    ("cli", "environ", "message", "hint"),
    [
        ({"port": "http"}, {}, "'http' is no value for port (--port)", "It is a whole number."),
        (
            {},
            {"FUNCEMU_PORT": "70000"},
            "'70000' is no value for port (the environment variable FUNCEMU_PORT)",
            "A port is a number from 0 to 65535; 0 takes a free one.",
        ),
        (
            {"models": "ofline"},
            {},
            "'ofline' is no value for models (--models)",
            "Did you mean 'offline'?",
        ),
        (
            {},
            {"FUNCEMU_OUTPUT": "zzz"},
            "'zzz' is no value for output (the environment variable FUNCEMU_OUTPUT)",
            "Use one of auto, pretty, plain, json.",
        ),
        (
            {},
            {"FUNCEMU_STRICT": "maybe"},
            "'maybe' is no value for strict (the environment variable FUNCEMU_STRICT)",
            "Use true or false.",
        ),
        (
            {"debug": "99999"},
            {},
            "'99999' is no value for debug (--debug)",
            "It is a port from 2 to 65535; 'on' means 9091.",
        ),
        (
            {"host": "example"},
            {},
            "Invalid --address value 'example'. Expected an IP address, for example 127.0.0.1 or "
            "0.0.0.0.",
            None,
        ),
        (
            {"cors": "*", "cors_credentials": True},
            {},
            "CORS cannot let every origin ('*') send credentials",
            "Name the origins, or leave the credentials out.",
        ),
    ],
)
def test_a_bad_value_names_where_it_came_from(
    tmp_path: Path,
    cli: dict[str, object],
    environ: dict[str, str],
    message: str,
    hint: str | None,
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_options(cli, environ, tmp_path)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = true", "'True' is no value for port (pyproject.toml [tool.funcemu] port)"),
        ("python = []", "'[]' is no value for python (pyproject.toml [tool.funcemu] python)"),
        ("port = ", "pyproject.toml cannot be read: Invalid value (at line 2, column 8)"),
    ],
)
def test_a_bad_value_in_pyproject_is_named(tmp_path: Path, text: str, message: str) -> None:
    pyproject(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        resolve_options({}, {}, tmp_path)
    assert caught.value.message == message


@pytest.mark.parametrize("text", ["tool = 1", "[tool]\nfuncemu = 1"])
def test_a_pyproject_without_our_table_in_its_place_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError, match="is not a table"):
        resolve_options({}, {}, tmp_path)


def test_a_pyproject_of_somebody_else_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert resolve_options({}, {}, tmp_path) == Options(path=tmp_path)


def test_unknown_names_are_warnings_with_a_suggestion(tmp_path: Path) -> None:
    pyproject(tmp_path, "prot = 1")
    options = resolve_options({}, {"FUNCEMU_VERBOS": "1", "FUNCEMU_QUITE_ELSE": "1"}, tmp_path)
    assert [(each.message, each.hint) for each in options.problems] == [
        ("'prot' in [tool.funcemu] is no option and is ignored", "Did you mean 'port'?"),
        (
            "The environment variable FUNCEMU_VERBOS is no option and is ignored",
            "Did you mean 'FUNCEMU_VERBOSE'?",
        ),
    ]
    assert {each.severity for each in options.problems} == {Severity.WARNING}


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({"FUNCTIONS_USER_LOG_LEVEL": "debug"}, "Debug"),
        ({"FUNCTIONS_USER_LOG_LEVEL": "nonsense"}, "Error"),
        ({"FUNCTIONS_USER_LOG_LEVEL": "debug", "FUNCEMU_USER_LOG_LEVEL": "None"}, "None"),
        ({}, "Error"),
    ],
)
def test_the_official_log_level_counts_above_pyproject(
    tmp_path: Path, environ: dict[str, str], level: str
) -> None:
    pyproject(tmp_path, 'user-log-level = "Error"')
    assert resolve_options({}, environ, tmp_path).user_log_level == level


HOST = HostSection(port=7000, address="0.0.0.0", cors=("http://a",), cors_credentials=True)


def test_the_host_section_counts_where_nothing_was_given() -> None:
    options = apply_host_section(Options(), HOST)
    assert options == Options(port=7000, host="0.0.0.0", cors=("http://a",), cors_credentials=True)


def test_what_was_given_wins_over_the_host_section(tmp_path: Path) -> None:
    cli = {"port": 1, "host": "127.0.0.1", "cors": ("http://b",), "cors_credentials": False}
    options = resolve_options(cli, {}, tmp_path)
    assert apply_host_section(options, HOST) == options


def test_a_silent_host_section_changes_nothing() -> None:
    options = Options()
    assert apply_host_section(options, HostSection()) is options


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (HostSection(address="here"), "Invalid --address value 'here'."),
        (HostSection(cors=("*",), cors_credentials=True), "CORS cannot let every origin"),
    ],
)
def test_a_bad_host_section_is_refused(host: HostSection, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        apply_host_section(Options(), host)


def test_every_option_is_described() -> None:
    infos = {info.name: info for info in describe_options()}
    assert infos["state_dir"].key == "state-dir"
    assert infos["state_dir"].environment == "FUNCEMU_STATE_DIR"
    assert infos["port"].flags == ("--port", "-p")
    assert {"channel", "timeout"} <= {name for name, info in infos.items() if info.hidden}
    for info in infos.values():
        assert info.help.endswith("."), info.name
        assert bool(info.choices) == (info.kind == "choice"), info.name
        assert info.default == getattr(Options(), info.name)
    assert "given" not in infos


def test_flags_are_given_once() -> None:
    flags = [flag for info in describe_options() for flag in info.flags]
    assert len(flags) == len(set(flags))


def test_options_compare_by_what_they_say() -> None:
    assert replace(Options(), given=frozenset({"port"})) == Options()
