"""The samples for completions, embeddings and search against stand-ins for the services."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.support.model_service import ModelService, Reply, chat
from tests.support.search_services import AISearchService
from tests.support.serving import FIXTURES, served, write_app

APP = FIXTURES / "search"


def _connected(service: ModelService) -> dict[str, str]:
    return {
        "AzureOpenAI__Endpoint": service.url,
        "AzureOpenAI__Key": "k",
        "FUNCEMU_MODEL_RETRY_DELAY": "0",
    }


async def test_the_console_tells_that_documents_stay_on_this_machine(channel: str) -> None:
    async with served(APP, channel=channel) as host:
        await host.post("/api/ingest", json={"file": "docs/refunds.md"})
        await host.until_printed("local store")


async def test_a_completion_is_one_user_message(channel: str) -> None:
    async with ModelService().running() as service:
        service.reply(chat("An electric mouse."))
        app = FIXTURES / "completion"
        async with served(app, channel=channel, settings=_connected(service)) as host:
            answer = await host.get("/api/whois/pikachu")
        assert (answer.status, answer.text) == (200, "An electric mouse.")
        [request] = service.requests
        assert request.messages == [{"role": "user", "content": "Who is pikachu?"}]
        assert request.body["max_tokens"] == 200


async def test_embeddings_are_delivered_as_base64(channel: str) -> None:
    async with ModelService().running() as service:
        app = FIXTURES / "embeddings"
        async with served(app, channel=channel, settings=_connected(service)) as host:
            answer = await host.post("/api/embeddings", json={"rawText": "Enter raw text here."})
            tail = await host.post("/api/embeddings", json={"rawText": "What is Azure"})
        [first, second] = service.requests
        assert first.body["input"] == ["Enter raw text here."]
        assert first.body["encoding_format"] == "base64"
        assert second.body["input"] == tail.json["request"] == ["What is Azure"]
        value = answer.json
        assert list(value) == ["request", "response", "count"]
        assert value["count"] == 1
        assert len(base64.b64decode(value["response"]["data"][0]["embedding"])) == 12


async def test_documents_reach_search_service_and_model(channel: str) -> None:
    async with ModelService().running() as service, AISearchService().running() as search:
        service.fallback = lambda request: chat("Ten days.")
        settings = _connected(service) | {
            "SearchEndpoint__endpoint": search.url,
            "SearchEndpoint__apiKey": "k",
        }
        async with served(APP, channel=channel, settings=settings) as host:
            for file in ("docs/refunds.md", "docs/opening-hours.md"):
                assert (await host.post("/api/ingest", json={"file": file})).status == 200
            asked = await host.post("/api/ask", json={"prompt": "How long?"})
        assert asked.json == {"content": "Ten days.", "content_type": "text/plain"}
        titles = {row["title"] for row in search.documents["openai-index"].values()}
        assert titles == {"refunds", "opening-hours"}
        system, user = service.requests[-1].messages
        assert system["role"] == "system"
        lines = system["content"].splitlines()[-2:]
        assert {line.split(": ")[0] for line in lines} == titles
        assert user == {"role": "user", "content": "How long?"}


async def test_refusals_are_told_on_the_console_and_answered_with_500(
    channel: str, tmp_path: Path
) -> None:
    models = {"CHAT_MODEL_DEPLOYMENT_NAME": "c", "EMBEDDING_MODEL_DEPLOYMENT_NAME": "e"}
    code = (APP / "function_app.py").read_text("utf-8").replace('"filePath"', '"url"')
    app = write_app(tmp_path / "app", {"function_app.py": code})
    async with served(app, channel=channel, settings=models) as host:
        asked = await host.post("/api/ask", json={"prompt": "x"})
        assert (asked.status, asked.body) == (500, b"")
        await host.until_printed("No search provider is configured. Search providers are")
    app = write_app(
        tmp_path / "second",
        {
            "function_app.py": code,
            "host.json": '{"version": "2.0", "extensions": {"openai": '
            '{"searchProvider": {"type": "local"}}}}',
        },
    )
    async with served(app, channel=channel, settings=models) as host:
        stored = await host.post("/api/ingest", json={"file": "http://example.test/a.txt"})
        assert stored.status == 500
        await host.until_printed(
            "Invalid Url: http://example.test/a.txt. Ensure it is a valid https Url."
        )


async def test_stored_documents_are_still_there_after_a_restart(
    channel: str, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with served(APP, channel=channel, state=state) as host:
        await host.post("/api/ingest", json={"file": "docs/refunds.md"})
    async with served(APP, channel=channel, state=state) as host:
        asked = await host.post("/api/ask", json={"prompt": "How long does a refund take?"})
        assert "ten working days" in asked.json["content"]


async def test_a_model_that_refuses_is_told(channel: str) -> None:
    async with ModelService().running() as service:
        service.reply(Reply({"error": {"message": "no such deployment"}}, 404))
        async with served(
            FIXTURES / "embeddings", channel=channel, settings=_connected(service)
        ) as host:
            answer = await host.post("/api/embeddings", json={"rawText": "x"})
            assert answer.status == 500
            await host.until_printed("'embeddingsModel'")
