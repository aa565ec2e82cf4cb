"""Which model answers: the connection the settings describe, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bindings.openai.clients import retry_policy
from bindings.openai.connections import ModelConnection, Unconnected, connect
from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.base import ChatRequest
from bindings.openai.models.retrying import RetryPolicy
from bindings.openai.placeholders import is_placeholder
from emulator.sdk import BindingError
from tests.support.model_service import ModelService
from tests.support.openai_host import FakeSettings, OpenAIHost
from tests.support.todo_assistant import TodoAssistant

ENDPOINT = "https://mine.openai.azure.com"
SAMPLE = {
    "AzureOpenAI__endpoint": "Placeholder: e.g. https://<your-endpoint>.openai.azure.com/",
    "AzureOpenAI__credential": "managedidentity",
    "AzureOpenAI__clientId": "Placeholder: e.g. 00000000-0000-0000-0000-000000000000",
}


def found(values: dict[str, str], name: str = "") -> ModelConnection:
    connection = connect(FakeSettings(values), name)
    assert isinstance(connection, ModelConnection)
    return connection


@pytest.mark.parametrize(
    ("values", "name", "wanted"),
    [
        (
            {"AZURE_OPENAI_ENDPOINT": ENDPOINT + "/", "AZURE_OPENAI_KEY": "k"},
            "",
            ("azure-openai", ENDPOINT, "k"),
        ),
        (
            {"AzureOpenAI__Endpoint": ENDPOINT, "AzureOpenAI__Key": "s1", "AZURE_OPENAI_KEY": "k"},
            "AzureOpenAI",
            ("azure-openai", ENDPOINT, "s1"),
        ),
        (
            {"azureopenai:endpoint": ENDPOINT, "AZURE_OPENAI_KEY": "k"},
            "AzureOpenAI",
            ("azure-openai", ENDPOINT, "k"),
        ),
        (
            {"AzureOpenAI__Key": "s1", "AZURE_OPENAI_ENDPOINT": ENDPOINT},
            "AzureOpenAI",
            ("azure-openai", ENDPOINT, "s1"),
        ),
        (
            {"AzureOpenAI": "https://plain", "AZURE_OPENAI_ENDPOINT": ENDPOINT},
            "AzureOpenAI",
            ("azure-openai", ENDPOINT, None),
        ),
        (
            {"AzureOpenAI__Endpoint": ENDPOINT, "AZURE_OPENAI_ENDPOINT": "https://env"},
            "",
            ("azure-openai", "https://env", None),
        ),
        (
            {"OPENAI_API_KEY": "sk", "AZURE_OPENAI_ENDPOINT": ENDPOINT, "AZURE_OPENAI_KEY": "k"},
            "AzureOpenAI",
            ("openai", "https://api.openai.com/v1", "sk"),
        ),
        (
            {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "http://localhost:11434/v1/"},
            "",
            ("openai", "http://localhost:11434/v1", "sk"),
        ),
        (
            {"OPENAI_API_KEY": "<your key>", "AZURE_OPENAI_ENDPOINT": "http://localhost:1"},
            "",
            ("azure-openai", "http://localhost:1", None),
        ),
    ],
    ids=[
        "environment",
        "section",
        "key from environment",
        "endpoint from environment",
        "plain value is no endpoint",
        "no name means no section",
        "openai key wins",
        "base url",
        "placeholder of an openai key",
    ],
)
def test_the_connection_is_found_as_azure_finds_it(
    values: dict[str, str], name: str, wanted: tuple[Any, ...]
) -> None:
    connection = found(values, name)
    assert (connection.service, connection.endpoint, connection.key) == wanted


def test_a_section_with_an_identity_is_not_mixed_with_a_key_of_the_environment() -> None:
    values = {
        "AzureOpenAI__endpoint": ENDPOINT,
        "AzureOpenAI__credential": "managedidentity",
        "AzureOpenAI__clientId": "c-1",
        "AZURE_OPENAI_KEY": "stray",
    }
    connection = found(values, "AzureOpenAI")
    assert connection.key is None
    assert dict(connection.identity) == {"credential": "managedidentity", "clientid": "c-1"}


def test_the_key_is_in_no_text_about_the_connection() -> None:
    connection = found({"AZURE_OPENAI_ENDPOINT": ENDPOINT, "AZURE_OPENAI_KEY": "s3cret"})
    assert connection.title == (
        f"Azure OpenAI at {ENDPOINT} (AZURE_OPENAI_ENDPOINT, local.settings.json; "
        "key from AZURE_OPENAI_KEY, local.settings.json)"
    )
    assert "s3cret" not in repr(connection)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "no model connection is configured"),
        (SAMPLE, "AzureOpenAI__Endpoint is not a service address yet"),
        ({"AZURE_OPENAI_ENDPOINT": "mine"}, "AZURE_OPENAI_ENDPOINT is not a service address yet"),
        (
            {"AzureOpenAI__Endpoint": ENDPOINT, "AzureOpenAI__Key": "<key>"},
            "AzureOpenAI__Key is a placeholder",
        ),
        ({"OPENAI_API_KEY": "<your key>"}, "OPENAI_API_KEY is a placeholder"),
        (
            {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "localhost:8080"},
            "OPENAI_BASE_URL is not a service address",
        ),
        ({"OPENAI_API_KEY": ""}, "no model connection is configured"),
    ],
)
def test_what_is_no_connection_is_told_with_the_reason(values: dict[str, str], reason: str) -> None:
    assert connect(FakeSettings(values), "AzureOpenAI") == Unconnected(reason)


@pytest.mark.parametrize(
    "value",
    [
        "<your-key>",
        "Placeholder: e.g. https://x",
        "https://your-resource.openai.azure.com",
        "https://<name>.openai.azure.com/",
        "YOUR_API_KEY",
        "your_key",
        "yourkey",
        "changeme",
        "change-me",
        "xxxx",
        "...",
        "****",
        "https://{resource}.openai.azure.com",
    ],
)
def test_sample_texts_are_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    [
        "sk-proj-abcDEF123",
        "k",
        "0123456789abcdef0123456789abcdef",
        ENDPOINT,
        "http://localhost:11434/v1",
        "https://four-seasons.openai.azure.com",
        "UseDevelopmentStorage=true",
    ],
)
def test_real_values_are_not(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize(
    ("flag", "values", "backend"),
    [
        (None, {}, "deterministic"),
        ("auto", {"AZURE_OPENAI_ENDPOINT": ENDPOINT, "AZURE_OPENAI_KEY": "k"}, "azure-openai"),
        ("auto", {"AZURE_OPENAI_ENDPOINT": ENDPOINT}, "azure-openai"),
        ("auto", {"OPENAI_API_KEY": "sk"}, "openai"),
        ("auto", SAMPLE, "deterministic"),
        ("offline", {"OPENAI_API_KEY": "sk"}, "deterministic"),
        ("live", {"OPENAI_API_KEY": "sk"}, "openai"),
    ],
)
async def test_the_flag_and_the_settings_choose_the_model(
    flag: str | None, values: dict[str, str], backend: str, host: OpenAIHost
) -> None:
    if flag:
        host.flags["models"] = flag
    host.settings.values = values
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    chosen = extension.models.backend(host.settings, "AzureOpenAI")
    assert chosen.name == backend
    assert extension.models.backend(host.settings, "AzureOpenAI") is chosen


async def test_live_without_a_connection_fails_the_call_as_azure_does(host: OpenAIHost) -> None:
    host.flags["models"] = "live"
    todo = TodoAssistant(host)
    await todo.create()
    binding = todo.bind_post(aiConnectionName="AzureOpenAI")
    before = await todo.chat()
    with pytest.raises(BindingError) as caught:
        await todo.post("Hello", binding=binding)
    assert caught.value.message == (
        "Configuration section 'AzureOpenAI' is missing required 'Endpoint' and/or 'Key' values."
    )
    assert "start without --models live" in str(caught.value.hint)
    assert await todo.chat() == before
    assert binding.missing_names() == ["AZURE_OPENAI_ENDPOINT"]
    assert host.extension(OpenAIExtension).banner()[0].startswith("Models: none: Configuration")


def test_nothing_is_missing_when_the_offline_model_can_serve(host: OpenAIHost) -> None:
    assert list(TodoAssistant(host).post_binding.missing_names()) == []


async def test_openai_key_overrides_a_named_connection_with_a_warning(
    todo: TodoAssistant, service: ModelService
) -> None:
    todo.host.settings.values |= {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": service.url + "/v1"}
    await todo.create()
    binding = todo.bind_post(aiConnectionName="AzureOpenAI")
    await todo.post("Hello", binding=binding)
    await todo.post("Hello", binding=binding)
    request = service.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk"
    assert request.body["max_completion_tokens"] == 100
    assert "max_tokens" not in request.body
    assert todo.host.messages("Warning") == [
        "OPENAI_API_KEY, local.settings.json, is set, so the connection "
        "'AzureOpenAI' is ignored and OpenAI is asked, as on Azure."
    ]


async def test_the_section_of_the_binding_is_asked_with_its_key(
    todo: TodoAssistant, service: ModelService
) -> None:
    todo.host.settings.values |= {
        "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
        "AzureOpenAI__Endpoint": service.url,
        "AzureOpenAI__Key": "s1",
    }
    await todo.create()
    await todo.post("Hello", binding=todo.bind_post(aiConnectionName="AzureOpenAI"))
    assert service.requests[0].headers["api-key"] == "s1"


async def test_a_changed_key_is_used_at_once(todo: TodoAssistant, service: ModelService) -> None:
    await todo.create()
    await todo.post("Hello")
    todo.host.settings.values["AZURE_OPENAI_KEY"] = "new"
    await todo.post("Hello")
    assert [each.headers["api-key"] for each in service.requests] == ["k", "new"]


@pytest.mark.parametrize("name", ["model-script.yaml", "model-script.yml", "other/my.yaml"])
async def test_a_script_in_the_app_is_used_offline(
    name: str, make_host: Any, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("scripts: [{turns: [{user: any, says: From the script}]}]")
    host = make_host(app_root=tmp_path)
    if "other" in name:
        host.settings.values["FUNCEMU_MODEL_SCRIPT"] = name
    extension: OpenAIExtension = host.extension(OpenAIExtension)
    assert extension.banner() == (
        f"Models: script {path.name} (no model connection is configured)",
    )
    backend = extension.models.backend(host.settings, "")
    reply = await backend.chat(ChatRequest("m", [{"role": "user", "content": "Hello"}]))
    assert (backend.name, reply.content) == ("script", "From the script")


def test_a_named_script_that_is_missing_is_told_in_the_banner(
    make_host: Any, tmp_path: Path
) -> None:
    host = make_host(app_root=tmp_path)
    host.settings.values["FUNCEMU_MODEL_SCRIPT"] = "gone.yaml"
    assert "script gone.yaml, which does not exist" in host.extension(OpenAIExtension).banner()[0]


def test_the_banner_says_what_serves_each_connection_an_app_uses(host: OpenAIHost) -> None:
    todo = TodoAssistant(host)
    host.settings.values |= {"Own__Endpoint": ENDPOINT, "Own__Key": "s3cret"}
    bindings = [todo.bind_post(aiConnectionName=name) for name in ("Own", "Own", "")]
    assert host.extension(OpenAIExtension).banner() == (
        "Models: offline model (no model connection is configured)",
        f"Models: Azure OpenAI at {ENDPOINT} (Own__Endpoint, local.settings.json; "
        "key from Own__Key, local.settings.json)",
    )
    assert len(bindings) == 3


@pytest.mark.parametrize(
    ("endpoint", "used", "told"),
    [(ENDPOINT, "Own", True), (ENDPOINT, "azureopenai", False), ("<address>", "Own", False)],
)
def test_the_banner_tells_of_a_section_that_no_binding_names(
    host: OpenAIHost, endpoint: str, used: str, told: bool
) -> None:
    host.settings.values |= {"AzureOpenAI__Endpoint": endpoint, "AzureOpenAI__Key": "s3cret"}
    binding = TodoAssistant(host).bind_post(aiConnectionName=used)
    note = (
        "Unused: AzureOpenAI__Endpoint is set, but no binding has the aiConnectionName "
        "'AzureOpenAI'"
    )
    assert (note in host.extension(OpenAIExtension).banner()) is told
    assert binding is not None


def test_offline_by_flag_is_told_as_such(host: OpenAIHost) -> None:
    host.flags["models"] = "offline"
    host.settings.values["OPENAI_API_KEY"] = "sk"
    assert host.extension(OpenAIExtension).banner() == (
        "Models: offline model (as asked by --models offline)",
    )


@pytest.mark.parametrize(("text", "delay"), [("", 0.8), ("0", 0.0), ("1.5", 1.5)])
def test_the_retry_delay_is_a_setting(text: str, delay: float) -> None:
    settings = FakeSettings({"FUNCEMU_MODEL_RETRY_DELAY": text})
    assert retry_policy(settings) == RetryPolicy(delay=delay)


@pytest.mark.parametrize("text", ["soon", "-1", "61", "nan"])
def test_a_retry_delay_that_makes_no_sense_is_told(text: str) -> None:
    with pytest.raises(BindingError, match=f"not '{text}'"):
        retry_policy(FakeSettings({"FUNCEMU_MODEL_RETRY_DELAY": text}))
