"""What the configuration accepts although Azure, or its tools, would not."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.config.hostjson import load_host_config
from emulator.config.settings import Settings, load_settings
from emulator.model import Problem, Severity


def settings_findings(root: Path, environ: dict[str, str] | None = None) -> list[Problem]:
    return [each for each in load_settings(root, environ or {})[1] if each.is_finding]


def host_findings(root: Path, settings: dict[str, str] | None = None) -> list[Problem]:
    found = load_host_config(root, Settings.of(settings or {}))[1]
    return [each for each in found if each.is_finding]


@pytest.mark.parametrize("text", ['{"Values": {"A": "1"}}', '{"ConnectionStrings": {"A": "1"}}'])
def test_settings_that_do_not_say_whether_they_are_encrypted(tmp_path: Path, text: str) -> None:
    (tmp_path / "local.settings.json").write_text(text)
    (problem,) = settings_findings(tmp_path)
    assert (problem.code, problem.severity) == ("settings-is-encrypted-missing", Severity.INFO)
    assert str(problem.where) == "local.settings.json:1"
    assert problem.hint == 'Add "IsEncrypted": false.'
    assert problem.azure is not None
    assert "use none of its values" in problem.azure


@pytest.mark.parametrize(
    "text", ['{"IsEncrypted": false, "Values": {"A": "1"}}', '{"Host": {"LocalHttpPort": 1}}', "{}"]
)
def test_settings_that_are_fine_everywhere(tmp_path: Path, text: str) -> None:
    (tmp_path / "local.settings.json").write_text(text)
    assert settings_findings(tmp_path) == []


def test_a_nested_value_is_read_here_only(tmp_path: Path) -> None:
    text = '{"IsEncrypted": false, "Values": {"A": {"B": "1"}}}'
    (tmp_path / "local.settings.json").write_text(text)
    (problem,) = settings_findings(tmp_path)
    assert (problem.code, problem.severity) == ("settings-nested-value", Severity.WARNING)
    assert problem.azure is not None
    assert "drop every value" in problem.azure


def test_settings_of_the_env_file_are_named_without_their_values(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nTOKEN=planted\nSHELL_WINS=1\nOTHER=2\n")
    (problem,) = settings_findings(tmp_path, {"SHELL_WINS": "3"})
    assert problem.message == ".env gives the value of TOKEN, OTHER"
    assert str(problem.where) == ".env:2"
    assert problem.azure == ".env is not read: what is no app setting there does not exist."
    assert "planted" not in repr(problem)


def test_an_env_file_that_the_shell_hides_whole_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    assert settings_findings(tmp_path, {"A": "2"}) == []


def test_a_folder_without_host_json(tmp_path: Path) -> None:
    (problem,) = host_findings(tmp_path)
    assert (problem.code, problem.severity) == ("host-json-missing", Severity.INFO)
    assert problem.azure == "The official tools neither start nor publish a folder without it."


@pytest.mark.parametrize(("prefix", "meant"), [("v1/", "v1"), ("/", "")])
def test_a_route_prefix_that_ends_in_a_slash(tmp_path: Path, prefix: str, meant: str) -> None:
    text = '{\n"version": "2.0",\n"extensions": {"http": {\n"routePrefix": "' + prefix + '"}}}'
    (tmp_path / "host.json").write_text(text)
    (problem,) = host_findings(tmp_path)
    assert (problem.code, str(problem.where)) == ("host-json-route-prefix", "host.json:4")
    assert problem.hint == f'Write "routePrefix": "{meant}".'
    assert problem.azure is not None
    assert "the whole host fails to start" in problem.azure


@pytest.mark.parametrize("prefix", ["", "v1", "/v1"])
def test_route_prefixes_that_are_fine_everywhere(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "host.json").write_text(
        f'{{"version": "2.0", "extensions": {{"http": {{"routePrefix": "{prefix}"}}}}}}'
    )
    assert host_findings(tmp_path) == []
