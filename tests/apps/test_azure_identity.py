"""Signing in to Azure as the settings say, with endpoints that give tokens on this machine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.model_service import ModelService
from tests.support.serving import FIXTURES, Served, served
from tests.support.sign_in_service import SignInService

PATH = "/api/assistants/a1"


@pytest.fixture
async def service() -> AsyncIterator[ModelService]:
    async with ModelService().running() as running:
        yield running


@pytest.fixture
async def sign_in(tmp_path: Path) -> AsyncIterator[SignInService]:
    async with SignInService(tmp_path).running() as running:
        yield running


def app(folder: Path, service: ModelService, **section: str) -> Path:
    """Write the sample app with a section for its model connection."""
    made = folder / "app"
    made.mkdir()
    for file in (FIXTURES / "assistant").glob("*.py"):
        (made / file.name).write_text(file.read_text("utf-8"), "utf-8")
    (made / "host.json").write_text('{"version": "2.0"}')
    values = {"CHAT_MODEL_DEPLOYMENT_NAME": "gpt-test", "AzureOpenAI__Endpoint": service.url}
    values |= {f"AzureOpenAI__{key}": value for key, value in section.items()}
    (made / "local.settings.json").write_text(json.dumps({"Values": values}))
    return made


async def post_twice(host: Served) -> None:
    await host.put(PATH)
    for _ in range(2):
        answer = await host.post(PATH, params={"message": "Hello"})
        assert (answer.status, answer.text) == (200, "Hi"), host.printed


def sent(service: ModelService) -> list[tuple[str | None, str | None]]:
    return [
        (each.headers.get("authorization"), each.headers.get("api-key"))
        for each in service.requests
    ]


async def test_a_managed_identity_signs_in_where_there_is_one(
    tmp_path: Path, service: ModelService, sign_in: SignInService
) -> None:
    folder = app(tmp_path, service, credential="managedidentity", clientId="c-1")
    settings = {**sign_in.managed_identity, "AZURE_OPENAI_KEY": "stray"}
    async with served(folder, settings=settings) as host:
        assert (
            "managed identity 'c-1' by AzureOpenAI__credential, local.settings.json" in host.printed
        )
        await post_twice(host)
    assert sent(service) == [("Bearer managed-1", None)] * 2
    [asked] = sign_in.asked
    assert asked["resource"] == "https://cognitiveservices.azure.com"
    assert (asked["client_id"], asked["header"]) == ("c-1", "h-1")


async def test_a_service_principal_signs_in_with_its_secret(
    tmp_path: Path, service: ModelService, sign_in: SignInService
) -> None:
    folder = app(tmp_path, service, tenantId="t-1", clientId="c-1", clientSecret="s3cret")
    async with served(folder, settings=sign_in.authority) as host:
        await host.until_printed("client secret of 'c-1' by AzureOpenAI__clientSecret")
        await post_twice(host)
        assert "s3cret" not in host.printed
    assert sent(service) == [("Bearer entra-1", None)] * 2
    [asked] = sign_in.asked
    assert asked["tenant"] == "t-1"
    assert (asked["client_id"], asked["client_secret"]) == ("c-1", "s3cret")
    assert asked["scope"] == "https://cognitiveservices.azure.com/.default"


async def test_without_a_managed_identity_the_machines_own_sign_in_is_used_and_told(
    tmp_path: Path, service: ModelService, sign_in: SignInService
) -> None:
    folder = app(tmp_path, service, credential="managedidentity")
    settings = {
        **sign_in.authority,
        "AZURE_TENANT_ID": "t-1",
        "AZURE_CLIENT_ID": "c-1",
        "AZURE_CLIENT_SECRET": "s3cret",
    }
    async with served(folder, settings=settings) as host:
        await post_twice(host)
        told = "There is no managed identity on this machine"
        await host.until_printed(told)
        assert host.printed.count(told) == 1
    assert sent(service) == [("Bearer entra-1", None)] * 2


async def test_variables_of_the_sdk_count_in_local_settings_too(
    tmp_path: Path, service: ModelService, sign_in: SignInService
) -> None:
    folder = app(tmp_path, service)
    file = folder / "local.settings.json"
    written = json.loads(file.read_text())
    written["Values"] |= {
        "AZURE_TENANT_ID": "t-1",
        "AZURE_CLIENT_ID": "c-1",
        "AZURE_CLIENT_SECRET": "s3cret",
        "AZURE_AUTHORITY_HOST": sign_in.secure_url,
    }
    file.write_text(json.dumps(written))
    settings = {"SSL_CERT_FILE": sign_in.authority["SSL_CERT_FILE"]}
    async with served(folder, settings=settings) as host:
        await host.until_printed("by AZURE_CLIENT_SECRET, local.settings.json")
        await post_twice(host)
    assert sent(service) == [("Bearer entra-1", None)] * 2


async def test_a_secret_that_is_refused_is_told_by_its_setting(
    tmp_path: Path, service: ModelService, sign_in: SignInService
) -> None:
    sign_in.refuses = "AADSTS7000215: Invalid client secret provided."
    folder = app(tmp_path, service, tenantId="t-1", clientId="c-1", clientSecret="s3cret")
    async with served(folder, settings=sign_in.authority) as host:
        await host.put(PATH)
        assert (await host.post(PATH, params={"message": "Hello"})).status == 500
        await host.until_printed("AADSTS7000215: Invalid client secret provided.")
        await host.until_printed("It was tried with client secret of 'c-1'")
        assert "s3cret" not in host.printed
    assert service.requests == []


async def test_table_storage_is_asked_with_the_identity_of_its_section(
    tmp_path: Path, service: ModelService, sign_in: SignInService
) -> None:
    storage = {
        "AzureWebJobsStorage__tableServiceUri": f"{sign_in.secure_url}/tables",
        "AzureWebJobsStorage__tenantId": "t-1",
        "AzureWebJobsStorage__clientId": "c-1",
        "AzureWebJobsStorage__clientSecret": "s3cret",
    }
    folder = app(tmp_path, service)
    async with served(folder, settings={**sign_in.authority, **storage}) as host:
        await host.until_printed("client secret of 'c-1' by AzureWebJobsStorage__clientSecret")
        chat = await host.get(PATH, params={"timestampUTC": ""})
        assert (chat.status, chat.json["exists"]) == (200, False), host.printed
    assert {each["Authorization"] for each in sign_in.tables} == {"Bearer entra-1"}
    assert [each["scope"] for each in sign_in.asked] == ["https://storage.azure.com/.default"]
