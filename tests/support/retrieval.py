"""The bindings for completions, embeddings and search over a fake host, and what they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bindings.openai.embeddings.generate import Embeddings
from bindings.openai.embeddings.store import EmbeddingsStore
from bindings.openai.search import SemanticSearch
from tests.support.model_service import ModelService
from tests.support.openai_host import OpenAIHost

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"


def golden(name: str) -> str:
    return (GOLDEN / name).read_text("utf-8").rstrip("\n")


def connect(host: OpenAIHost, service: ModelService) -> None:
    """Let the host's settings name the service."""
    host.settings.values |= {
        "AZURE_OPENAI_ENDPOINT": service.url,
        "AZURE_OPENAI_KEY": "k",
        "FUNCEMU_MODEL_RETRY_DELAY": "0",
    }


def use_provider(host: OpenAIHost, kind: str = "local", **options: Any) -> None:
    """Let host.json name the search provider."""
    provider = {"type": kind, **options}
    host.host_json["extensions"] = {"openai": {"searchProvider": provider}}


def bind_embeddings(host: OpenAIHost, **properties: Any) -> Any:
    values = {"input": "{rawText}", "inputType": "RawText", **properties}
    return host.bind(Embeddings, function="GenerateEmbeddings", name="embeddings", **values)


def bind_store(host: OpenAIHost, **properties: Any) -> Any:
    values = {
        "input": "{text}",
        "inputType": "RawText",
        "storeConnectionName": "SearchEndpoint",
        "collection": "openai-index",
        **properties,
    }
    given = {key: value for key, value in values.items() if value is not None}
    return host.bind(
        EmbeddingsStore, function="IngestFile", name="requests", direction="out", **given
    )


def bind_search(host: OpenAIHost, **properties: Any) -> Any:
    values = {
        "searchConnectionName": "SearchEndpoint",
        "collection": "openai-index",
        "query": "{prompt}",
        **properties,
    }
    given = {key: value for key, value in values.items() if value is not None}
    return host.bind(SemanticSearch, function="PromptFile", name="result", **given)


async def delivered(host: OpenAIHost, binding: Any, **data: Any) -> str:
    """Read an input; return the JSON text as the function gets it."""
    value = await binding.read(host.call(binding, data))
    assert value.kind == "json"
    return str(value.value)
