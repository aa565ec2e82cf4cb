"""Which extension bundles bring the bindings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bindings.openai.assistants.post import AssistantPost
from bindings.openai.deviations import BUNDLE, package
from emulator.sdk import Binding, Deviation
from tests.support.openai_host import OpenAIHost


def told(
    host_json: dict[str, Any], root: Path = Path("/app"), language: str = "python"
) -> list[Deviation]:
    host = SimpleNamespace(host_json=host_json, app_root=root)
    function = SimpleNamespace(language=language)
    binding: Any = SimpleNamespace(services=SimpleNamespace(host=host), function=function)
    return list(package(binding))


@pytest.mark.parametrize(
    "versions", ["[4.*, 5.0.0)", "[4.31.0, 5.0.0)", "[4.*, 4.31.0]", "[4.*,4.32)", "[5.0.0]", "4.*"]
)
def test_versions_that_reach_far_enough(versions: str) -> None:
    assert told({"extensionBundle": {"id": BUNDLE, "version": versions}}) == []


@pytest.mark.parametrize(
    "versions", ["[3.*, 4.0.0)", "[3.3.0, 4.0.0)", "[4.0.0, 4.31.0)", "[4.5.0]", "", "latest"]
)
def test_versions_that_do_not(versions: str) -> None:
    (found,) = told({"extensionBundle": {"id": BUNDLE, "version": versions}})
    assert found.message == f"The versions '{versions}' of the extension bundle do not reach 4.31"
    assert found.whole_app


def test_names_go_by_no_case() -> None:
    bundle = {"ID": BUNDLE.lower(), "Version": "[4.*, 5.0.0)"}
    assert told({"EXTENSIONBUNDLE": bundle}) == []


def test_an_extension_that_is_installed_by_name_needs_no_bundle(tmp_path: Path) -> None:
    assert told({}, tmp_path)[0].code == "extension-bundle"
    (tmp_path / "extensions.csproj").touch()
    assert told({}, tmp_path) == []


@pytest.mark.parametrize(
    ("language", "needs"),
    [
        ("python", True),
        ("node", True),
        ("java", True),
        ("powershell", True),
        ("dotnet-isolated", False),
        ("dotnet", False),
    ],
)
def test_dotnet_gets_the_extension_as_a_package(language: str, needs: bool) -> None:
    assert bool(told({}, language=language)) is needs


def told_of(host: OpenAIHost, code: str) -> list[str]:
    """Return what is said with this code about all bindings of an app, in their order."""
    return [
        each.message
        for binding in host.bound(Binding)
        for each in binding.deviations()
        if each.code == code
    ]


def posts(host: OpenAIHost, models: str, **more: Any) -> None:
    for number, model in enumerate(models):
        host.bind(
            AssistantPost, function=f"f{number}", id="a", userMessage="Hi", chatModel=model, **more
        )


def test_each_model_of_a_connection_is_told_of_once(host: OpenAIHost) -> None:
    posts(host, "aabbca")
    assert told_of(host, "model-first-wins") == [
        "'f0' asks the chat model 'a' and 'f2' asks 'b', over one connection",
        "'f0' asks the chat model 'a' and 'f4' asks 'c', over one connection",
    ]


def test_each_connection_may_have_its_model(host: OpenAIHost) -> None:
    posts(host, "aa", aiConnectionName="One")
    posts(host, "bb", aiConnectionName="Two")
    assert told_of(host, "model-first-wins") == []
    host.settings.values["OPENAI_API_KEY"] = "k"
    assert len(told_of(host, "model-first-wins")) == 1


def test_each_place_of_chats_is_told_of_once(host: OpenAIHost) -> None:
    posts(host, "aa", collectionName="Here")
    posts(host, "aaa", collectionName="There")
    assert told_of(host, "place-first-wins") == [
        "'f0' and 'f0' keep chats in different places: AzureWebJobsStorage, Here; "
        "AzureWebJobsStorage, There"
    ]
