"""What the doctor is told about models, chats and documents."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from bindings.openai.assistants.post import AssistantPost
from bindings.openai.extension import OpenAIExtension
from bindings.openai.findings import SETTINGS
from bindings.openai.search import SemanticSearch
from emulator.sdk import Finding
from tests.support.openai_host import FakeSettings, OpenAIHost
from tests.support.serving import ROOT


def examined(tmp_path: Path, settings: Mapping[str, str], **flags: str) -> list[Finding]:
    host = OpenAIHost(app_root=tmp_path, settings=FakeSettings(settings), flags=flags)
    host.bind(AssistantPost, id="x", userMessage="y", aiConnectionName="AzureOpenAI")
    return list(host.extension(OpenAIExtension).examine())


def found(findings: list[Finding], start: str) -> Finding:
    return next(each for each in findings if each.text.startswith(start))


def test_without_a_connection_the_offline_model_serves(tmp_path: Path) -> None:
    model = found(examined(tmp_path, {}), "The connection 'AzureOpenAI'")
    assert model.level == "good"
    assert "offline model (no model connection is configured)" in model.text


def test_a_service_is_told_by_its_settings_without_their_values(tmp_path: Path) -> None:
    settings = {
        "AzureOpenAI__Endpoint": "https://hidden.example",
        "AzureOpenAI__Key": "hidden-key",
    }
    model = found(examined(tmp_path, settings), "The connection 'AzureOpenAI'")
    assert model.text == (
        "The connection 'AzureOpenAI' is served by Azure OpenAI: address from "
        "AzureOpenAI__Endpoint, local.settings.json, key from AzureOpenAI__Key, "
        "local.settings.json."
    )


def test_a_service_that_is_demanded_and_missing_is_bad(tmp_path: Path) -> None:
    model = found(examined(tmp_path, {}, models="live"), "The connection 'AzureOpenAI'")
    assert model.level == "bad"
    assert "AZURE_OPENAI_ENDPOINT" in (model.next_step or "")


def test_a_script_that_does_not_exist_is_bad(tmp_path: Path) -> None:
    model = found(
        examined(tmp_path, {"FUNCEMU_MODEL_SCRIPT": "gone.yaml"}), "The connection 'AzureOpenAI'"
    )
    assert model.level == "bad"
    assert "gone.yaml" in model.text


def test_a_script_with_a_mistake_is_bad(tmp_path: Path) -> None:
    script = tmp_path / "model-script.yaml"
    script.write_text("version: 1\nscripts:\n  - turns:\n      - usr: hi\n")
    host = OpenAIHost(app_root=tmp_path)
    for name in ("One", "Two"):
        host.bind(AssistantPost, function=name, id="x", userMessage="y", aiConnectionName=name)
    findings = host.extension(OpenAIExtension).examine()
    (wrong,) = [each for each in findings if each.level == "bad"]
    assert wrong.text.startswith("model-script.yaml:4: a turn has no 'usr'")
    assert wrong.next_step == "Correct the model script."
    script.write_text("version: 1\n")
    assert all(each.level == "good" for each in host.extension(OpenAIExtension).examine())


def test_chats_are_told_with_their_place(tmp_path: Path) -> None:
    chats = found(examined(tmp_path, {}), "Chats of")
    assert chats.text == "Chats of 'AzureWebJobsStorage' are kept in the embedded store."
    account = {"AzureWebJobsStorage": "AccountName=acme;AccountKey=c2VjcmV0"}
    chats = found(examined(tmp_path, account), "Chats of")
    assert chats.level == "good"
    assert "table storage 'acme' (key from AzureWebJobsStorage" in chats.text
    assert "c2VjcmV0" not in chats.text


@pytest.mark.parametrize("answers", [True, False])
def test_azurite_is_asked_whether_it_is_there(tmp_path: Path, answers: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if answers:
            server.listen()
        port = server.getsockname()[1]
        endpoint = f"TableEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        text = f"AccountName=devstoreaccount1;AccountKey=c2VjcmV0;{endpoint}"
        chats = found(examined(tmp_path, {"AzureWebJobsStorage": text}), "Chats of")
    assert chats.level == ("good" if answers else "bad")


def test_a_connection_string_that_means_nothing_is_bad(tmp_path: Path) -> None:
    chats = found(examined(tmp_path, {"AzureWebJobsStorage": "nonsense"}), "Chats of")
    assert chats.level == "bad"


def test_documents_are_told_with_their_place(tmp_path: Path) -> None:
    host = OpenAIHost(app_root=tmp_path)
    host.bind(SemanticSearch, searchConnectionName="Docs", collection="c", query="q")
    told = found(list(host.extension(OpenAIExtension).examine()), "Documents of 'Docs'")
    assert told.level == "bad"  # host.json names no provider
    host.host_json["extensions"] = {"openai": {"searchProvider": {"type": "azureAISearch"}}}
    told = found(list(host.extension(OpenAIExtension).examine()), "Documents of 'Docs'")
    assert told.level == "good"
    assert "local store" in told.text


def test_every_setting_of_this_package_has_a_purpose() -> None:
    pattern = re.compile(r'"(FUNCEMU_[A-Z_]+)"')
    read = {
        name
        for file in (ROOT / "bindings/openai").rglob("*.py")
        for name in pattern.findall(file.read_text("utf-8"))
    }
    assert read - set(SETTINGS) == set()
    assert all(purpose.endswith(".") for purpose in SETTINGS.values())
