from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from emulator.config.settings import HostSection, Setting, Settings, host_variables, load_settings
from emulator.model import Problem, Severity, SourceSpan
from emulator.sdk import SettingsView


def load(
    root: Path,
    text: str | None = None,
    *,
    env: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[Settings, list[Problem]]:
    if text is not None:
        (root / "local.settings.json").write_text(text, encoding="utf-8")
    if env is not None:
        (root / ".env").write_text(env, encoding="utf-8")
    settings, problems = load_settings(root, environ or {})
    # What matters on Azure only has tests of its own (test_azure.py).
    return settings, [each for each in problems if each.severity is not Severity.INFO]


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def test_without_any_file_there_is_only_the_environment(tmp_path: Path) -> None:
    settings, problems = load(tmp_path, environ={"A": "1"})
    assert problems == []
    assert {each.name for each in settings} == {"A", "AZURE_FUNCTIONS_ENVIRONMENT"}
    assert settings.get("A") == "1"


def test_satisfies_the_view_that_bindings_know() -> None:
    view: SettingsView = Settings.of({"A": "1"})
    assert view.get("a") == "1"
    assert view.source("A") == "environment"
    assert view.source("B") is None


@pytest.mark.parametrize(
    "name", ["AzureOpenAI__Endpoint", "azureopenai:endpoint", "AZUREOPENAI:EndPoint"]
)
def test_names_go_by_neither_case_nor_separator(name: str) -> None:
    settings = Settings.of({"AzureOpenAI__endpoint": "https://x"})
    assert settings.get(name) == "https://x"
    assert name in settings


def test_a_section_has_lower_case_keys_joined_with_a_colon() -> None:
    settings = Settings.of(
        {"X__Endpoint": "e", "X:Key": "k", "X__a__B": "deep", "X": "own", "XY__z": "no"}
    )
    assert settings.section("x") == {"endpoint": "e", "key": "k", "a:b": "deep"}
    assert settings.section("nothing") == {}


def test_the_environment_wins_over_env_file_wins_over_local_settings(tmp_path: Path) -> None:
    settings, _ = load(
        tmp_path,
        '{"Values": {\n"A": "file",\n"B": "file",\n"C": "file"}}',
        env="B=dot\nC=dot\n",
        environ={"C": "process"},
    )
    assert [settings.get(name) for name in "ABC"] == ["file", "dot", "process"]
    assert [settings.source(name) for name in "ABC"] == [
        "local.settings.json:2",
        ".env:1",
        "environment",
    ]


def test_each_value_remembers_what_it_shadows(tmp_path: Path) -> None:
    settings, _ = load(tmp_path, '{"Values": {"A": "1"}}', env="A=2", environ={"a": "3"})
    assert settings.provenance("A") == Setting(
        "a",
        "3",
        SourceSpan("environment"),
        (
            Setting("A", "2", SourceSpan(".env", 1)),
            Setting("A", "1", SourceSpan("local.settings.json", 1)),
        ),
    )


def test_a_value_of_the_file_hidden_by_the_environment_is_told(tmp_path: Path) -> None:
    _, problems = load(
        tmp_path, '{"Values": {"A": "1", "B": "same"}}', environ={"A": "2", "B": "same"}
    )
    assert problems == [
        Problem(
            "settings-shadowed",
            "Skipping 'A' from local settings as it's already defined in current environment "
            "variables.",
            severity=Severity.WARNING,
            where=SourceSpan("local.settings.json", 1),
            hint="Unset A in the shell to use the value of the file.",
        )
    ]


def test_the_env_file_hides_values_silently(tmp_path: Path) -> None:
    assert load(tmp_path, '{"Values": {"A": "1"}}', env="A=2")[1] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('"x"', "x", id="text"),
        pytest.param("7071", "7071", id="number"),
        pytest.param("1.5", "1.5", id="fraction"),
        pytest.param("true", "true", id="true"),
        pytest.param("false", "false", id="false"),
        pytest.param('""', "", id="empty"),
    ],
)
def test_plain_values_become_texts(tmp_path: Path, text: str, expected: str) -> None:
    settings, problems = load(tmp_path, f'{{"Values": {{"A": {text}}}}}')
    assert problems == []
    assert settings.get("A") == expected


def test_a_nested_value_is_flattened_and_told_with_its_line(tmp_path: Path) -> None:
    settings, (problem,) = load(
        tmp_path,
        '{"Values": {\n"Good": "1",\n"AI": {"Endpoint": "e", "Keys": ["a", 2], "N": null}}}',
    )
    assert settings.get("Good") == "1"
    assert settings.section("AI") == {"endpoint": "e", "keys:0": "a", "keys:1": "2"}
    assert problem.code == "settings-nested-value"
    assert problem.severity is Severity.WARNING
    assert problem.where == SourceSpan("local.settings.json", 3)
    assert problem.message == (
        "The value of 'AI' is an object; the official tools refuse the whole file for it"
    )
    assert problem.hint == 'It is read as its parts; write them so: "AI__Endpoint": "…".'


def test_an_empty_list_as_a_value_is_left_out(tmp_path: Path) -> None:
    settings, (problem,) = load(tmp_path, '{"Values": {"A": []}}')
    assert "A" not in settings
    assert problem.hint == "It is left out."


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('{"Values": {"A": null}}', "settings-null-value", "Skipping 'A' because value is null"),
        ('{"Values": {"": "x"}}', "settings-empty-name", "Skipping local setting with empty key."),
        ('{"Values": []}', "settings-section-invalid", "'Values' is not an object and is ignored"),
        ('{"Host": 1}', "settings-section-invalid", "'Host' is not an object and is ignored"),
        (
            '{"ConnectionStrings": "x"}',
            "settings-section-invalid",
            "'ConnectionStrings' is not an object and is ignored",
        ),
        (
            '{"ConnectionStrings": {"Sql": {"Provider": "x"}}}',
            "settings-connection-string",
            "The connection string 'Sql' is not a text and is left out",
        ),
        (
            '{"Value": {"A": "1"}}',
            "settings-unknown-key",
            "'Value' means nothing in local.settings.json and is ignored",
        ),
        (
            '{"Host": {"LocalPort": 1}}',
            "settings-unknown-key",
            "'LocalPort' means nothing in the section Host of local.settings.json and is ignored",
        ),
        (
            '{"Host": {"LocalHttpPort": 70000}}',
            "settings-host-port",
            "LocalHttpPort is 70000, which is no port, and is ignored",
        ),
        (
            '{"Values": {"A=B": "1"}}',
            "settings-unusable",
            "The setting 'A=B' has characters that no environment variable can hold",
        ),
        (
            '{"Values": {"A": "x\\u0000y"}}',
            "settings-unusable",
            "The setting 'A' has characters that no environment variable can hold",
        ),
        (
            '{"Values": {"A": "\\ud800"}}',
            "settings-unusable",
            "The setting 'A' has characters that no environment variable can hold",
        ),
        (
            '{"Values": {"CONTAINER_NAME": "x"}}',
            "settings-reserved-name",
            "CONTAINER_NAME is a reserved environment variable for the Functions Host. "
            "Please remove or rename this setting.",
        ),
    ],
)  # fmt: skip
def test_warns(tmp_path: Path, text: str, code: str, message: str) -> None:
    _, (problem,) = load(tmp_path, text)
    assert (problem.code, problem.message) == (code, message)
    assert problem.severity is Severity.WARNING
    assert problem.where is not None
    assert str(problem.where).startswith("local.settings.json:1")


def test_suggests_the_key_that_was_meant(tmp_path: Path) -> None:
    assert load(tmp_path, '{"Value": {}}')[1][0].hint == "Did you mean 'Values'?"
    assert load(tmp_path, '{"Host": {"Cors": "*", "CORSCredential": true}}')[1][0].hint == (
        "Did you mean 'CORSCredentials'?"
    )


def test_a_key_that_is_like_none_is_pointed_to_values(tmp_path: Path) -> None:
    assert (
        load(tmp_path, '{"OPENAI_API_KEY": "x"}')[1][0].hint == "App settings belong into Values."
    )


@pytest.mark.parametrize("word", ["false", '"false"', "null"], ids=str)
def test_settings_that_are_not_encrypted_are_read(tmp_path: Path, word: str) -> None:
    settings, problems = load(tmp_path, f'{{"IsEncrypted": {word}, "Values": {{"A": "1"}}}}')
    assert problems == []
    assert settings.get("A") == "1"


def test_sections_that_are_null_are_empty(tmp_path: Path) -> None:
    text = '{"$schema": "x", "Values": null, "ConnectionStrings": null, "Host": null}'
    settings, problems = load(tmp_path, text)
    assert problems == []
    assert [each.name for each in settings] == ["AZURE_FUNCTIONS_ENVIRONMENT"]


def test_no_settings_at_all() -> None:
    assert list(Settings.empty()) == []


def test_a_missing_is_encrypted_means_plain_text(tmp_path: Path) -> None:
    assert load(tmp_path, '{"values": {"A": "1"}}')[0].get("A") == "1"


def test_encrypted_settings_are_refused_with_the_way_out(tmp_path: Path) -> None:
    settings, (problem,) = load(tmp_path, '{\n"IsEncrypted": true, "Values": {"A": "CfDJ8"}}')
    assert "A" not in settings
    assert problem.severity is Severity.ERROR
    assert problem.where == SourceSpan("local.settings.json", 2)
    assert problem.message == (
        "Failed to decrypt settings. Encrypted settings only be edited through 'func settings add'."
    )
    assert problem.hint is not None
    assert "func settings decrypt" in problem.hint


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('{"Values": {"A": "1"', "local.settings.json is not valid JSON: the '{' of line 1 is not "
         "closed (line 1, column 21)"),
        ("", "local.settings.json is not valid JSON: the file is empty (line 1, column 1)"),
        ("[]", "local.settings.json is not an object"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_json_is_an_error_and_the_rest_counts(
    tmp_path: Path, text: str, rest: str
) -> None:
    settings, (problem,) = load(tmp_path, text, env="B=2")
    assert settings.get("B") == "2"
    assert problem.code == "settings-invalid-json"
    assert problem.severity is Severity.ERROR
    assert problem.message == (
        f"Failed to read app settings file at '{tmp_path / 'local.settings.json'}'. "
        f"Ensure it is a valid JSON file. {rest}"
    )


@pytest.mark.parametrize(
    "text", ['{"Values": {"A": "1", "a": "2"}}', '{"Values": {"A": "1", "A": "2"}}']
)
def test_of_names_given_twice_the_last_one_wins(tmp_path: Path, text: str) -> None:
    settings, problems = load(tmp_path, text)
    assert settings.get("A") == "2"
    assert codes(problems) == ["settings-duplicate-name"]


def test_connection_strings_are_exported_under_their_section(tmp_path: Path) -> None:
    settings, problems = load(
        tmp_path,
        '{"ConnectionStrings": {"Sql": "Server=1", "O": {"connectionString": "Server=2"}}}',
    )
    assert problems == []
    assert settings.get("ConnectionStrings__Sql") == "Server=1"
    assert settings.worker_environment()["ConnectionStrings:O"] == "Server=2"


def test_a_key_vault_reference_is_kept_and_told(tmp_path: Path) -> None:
    reference = "@Microsoft.KeyVault(VaultName=v;SecretName=s)"
    settings, (problem,) = load(tmp_path, f'{{"Values": {{"A": "{reference}"}}}}')
    assert settings.get("A") == reference
    assert problem.code == "settings-key-vault-reference"
    assert problem.severity is Severity.WARNING


def test_reads_the_host_section(tmp_path: Path) -> None:
    settings, problems = load(
        tmp_path,
        '{"Host": {"LocalHttpPort": 7000, "LocalHttpAddress": "0.0.0.0", '
        '"CORS": "http://a:1/, http://b", "CORSCredentials": true}}',
    )
    assert problems == []
    assert settings.host == HostSection(7000, "0.0.0.0", ("http://a:1", "http://b"), True)


def test_the_environment_is_always_development_and_says_when_that_changes_it(
    tmp_path: Path,
) -> None:
    settings, (problem,) = load(tmp_path, environ={"AZURE_FUNCTIONS_ENVIRONMENT": "Production"})
    assert settings.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development"
    assert settings.worker_environment()["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"
    assert problem.message == (
        "AZURE_FUNCTIONS_ENVIRONMENT already exists with value 'Production', "
        "overriding to 'Development'."
    )


def test_a_worker_gets_the_environment_and_every_value_under_its_own_name(tmp_path: Path) -> None:
    settings, _ = load(
        tmp_path,
        '{"Values": {"File": "1", "Both": "file", "My_Key": "file"}}',
        env="Dot=2",
        environ={"PATH": "/bin", "Both": "process", "MY_KEY": "process"},
    )
    assert settings.worker_environment({"EXTRA": "3"}) == {
        "PATH": "/bin",
        "Both": "process",
        "MY_KEY": "process",
        "My_Key": "process",
        "File": "1",
        "Dot": "2",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "EXTRA": "3",
    }


def test_what_the_host_adds_for_a_worker() -> None:
    assert host_variables(root=Path("/app"), port=7072) == {
        "AzureWebJobsScriptRoot": "/app",
        "FUNCTIONS_CORETOOLS_ENVIRONMENT": "true",
        "WEBSITE_HOSTNAME": "localhost:7072",
    }


def test_settings_with_the_same_values_are_equal_wherever_they_stand(tmp_path: Path) -> None:
    first, _ = load(tmp_path, '{"Values": {"A": "1"}}')
    moved, _ = load(tmp_path, '{// moved\n"Values": {\n\n"A": "1"}}')
    other, _ = load(tmp_path, '{"Values": {"A": "2"}}')
    assert first == moved
    assert first != other
    assert first != "settings"


def test_other_host_options_make_other_settings(tmp_path: Path) -> None:
    assert load(tmp_path, "{}")[0] != load(tmp_path, '{"Host": {"CORS": "*"}}')[0]


def test_a_setting_shows_its_value_only_when_it_is_no_secret() -> None:
    secret, plain = Settings.of({"API_KEY": "abc", "MODE": "x"})
    assert (secret.masked, plain.masked) == ("*****", "x")


def test_the_repr_has_no_values() -> None:
    assert repr(Settings.of({"KEY": "secret"})) == "<Settings: 1>"


@given(st.binary(max_size=60), st.binary(max_size=60))
@hypothesis(max_examples=60, deadline=None)
def test_no_content_of_the_files_makes_loading_fail(
    tmp_path_factory: pytest.TempPathFactory, local: bytes, env: bytes
) -> None:
    root = tmp_path_factory.getbasetemp()
    (root / "local.settings.json").write_bytes(b'{"Values": {"A": "' + local)
    (root / ".env").write_bytes(env)
    load_settings(root, {})
