"""The embeddings binding: what is asked of a service, what the function gets."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.models.embedding import from_base64
from emulator.sdk import BindingError
from tests.support.model_service import EMBEDDING, ModelService, Reply, failure
from tests.support.openai_host import OpenAIHost
from tests.support.retrieval import bind_embeddings, connect, delivered, golden


def _answer(*vectors: Any, **more: Any) -> Reply:
    data = [{"embedding": each, "index": index} for index, each in enumerate(vectors)]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return Reply({"data": data, "model": "text-embedding-ada-002", "usage": usage, **more})


async def test_vectors_are_delivered_as_the_service_sent_them(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    service.reply(_answer("+AAAPwAAAL8AAIA/"))
    text = await delivered(host, bind_embeddings(host), rawText="Grüße <a> & 'b' + \"c\".")
    assert text == golden("embeddings_context.json")
    [request] = service.requests
    assert request.path == "/openai/deployments/text-embedding-ada-002/embeddings"
    assert request.query["api-version"] == "2024-10-21"
    assert request.body == {
        "input": ["Grüße <a> & 'b' + \"c\"."],
        "model": "text-embedding-ada-002",
        "encoding_format": "base64",
    }


async def test_the_whole_text_is_embedded(host: OpenAIHost, service: ModelService) -> None:
    connect(host, service)
    text = await delivered(host, bind_embeddings(host), rawText="What is Azure")
    assert json.loads(text)["request"] == ["What is Azure"]


@pytest.mark.parametrize(
    ("properties", "model"),
    [
        ({"embeddingsModel": "DefaultEmbeddingsModel"}, "text-embedding-ada-002"),
        ({"embeddingsModel": "DefaultEmbeddingsModel", "model": "old"}, "old"),
        ({"model": "old"}, "old"),
        ({"embeddingsModel": "%MODEL%", "model": "old"}, "mine"),
        ({"embeddingsModel": None}, "text-embedding-ada-002"),
    ],
)
async def test_the_model_is_chosen_as_documented(
    host: OpenAIHost, service: ModelService, properties: dict[str, Any], model: str
) -> None:
    connect(host, service)
    host.settings.values["MODEL"] = "mine"
    await delivered(host, bind_embeddings(host, **properties), rawText="x")
    assert service.requests[0].body["model"] == model


async def test_openai_itself_is_asked_when_its_key_is_set(
    host: OpenAIHost, service: ModelService
) -> None:
    host.settings.values |= {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": f"{service.url}/v1"}
    await delivered(host, bind_embeddings(host), rawText="x")
    [request] = service.requests
    assert request.path == "/v1/embeddings"
    assert request.headers["authorization"] == "Bearer sk"


async def test_servers_that_send_numbers_are_understood(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    service.reply(_answer([0.25, -0.5, 1.0]))
    value = await host.read(bind_embeddings(host), {"rawText": "x"})
    assert list(from_base64(value["response"]["data"][0]["embedding"])) == [0.25, -0.5, 1.0]


async def test_numbers_are_delivered_by_setting(host: OpenAIHost, service: ModelService) -> None:
    connect(host, service)
    host.settings.values["FUNCEMU_EMBEDDINGS_FORMAT"] = "Array"
    service.reply(_answer([0.1, -0.5, 1e-7]))
    value = await host.read(bind_embeddings(host), {"rawText": "x"})
    numbers = value["response"]["data"][0]["embedding"]
    assert numbers == pytest.approx([0.1, -0.5, 1e-7], rel=1e-7)


async def test_an_unknown_format_is_refused(host: OpenAIHost) -> None:
    host.settings.values["FUNCEMU_EMBEDDINGS_FORMAT"] = "hex"
    with pytest.raises(BindingError, match="should be 'base64' or 'array', not 'hex'"):
        await delivered(host, bind_embeddings(host), rawText="x")


async def test_many_chunks_go_in_several_requests_and_come_as_one_answer(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    host.settings.values["FUNCEMU_EMBEDDINGS_BATCH"] = "2"
    binding = bind_embeddings(host, maxChunkLength="10", maxOverlap=0)
    value = await host.read(binding, {"rawText": "One one. Two two. Tri tri. Four 4. Five 5."})
    assert [request.body["input"] for request in service.requests] == [
        ["One one.", "Two two."],
        ["Tri tri.", "Four 4."],
        ["Five 5."],
    ]
    response = value["response"]
    assert value["count"] == len(value["request"]) == 5
    assert [entry["index"] for entry in response["data"]] == [0, 1, 2, 3, 4]
    assert response["usage"] == {"prompt_tokens": 40, "total_tokens": 40}
    assert list(from_base64(response["data"][4]["embedding"])) == list(EMBEDDING)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
async def test_a_batch_size_that_is_no_number_is_refused(host: OpenAIHost, text: str) -> None:
    host.settings.values["FUNCEMU_EMBEDDINGS_BATCH"] = text
    with pytest.raises(BindingError, match="FUNCEMU_EMBEDDINGS_BATCH should be a number of texts"):
        await delivered(host, bind_embeddings(host), rawText="x")


async def test_a_service_that_takes_fewer_texts_leads_to_the_setting(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    service.reply(failure(400, "Too many inputs. The max number of inputs is 16."))
    with pytest.raises(BindingError, match="Too many inputs") as caught:
        await delivered(host, bind_embeddings(host), rawText="x")
    assert "FUNCEMU_EMBEDDINGS_BATCH" in (caught.value.hint or "")


async def test_a_missing_deployment_leads_to_the_option(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    service.reply(failure(404, "The API deployment for this resource does not exist."))
    with pytest.raises(BindingError, match="answered 404") as caught:
        await delivered(host, bind_embeddings(host), rawText="x")
    assert "'embeddingsModel'" in (caught.value.hint or "")


async def test_passing_failures_are_tried_again(host: OpenAIHost, service: ModelService) -> None:
    connect(host, service)
    service.reply(failure(429), failure(500), failure(503), _answer("AACAPgAAAL8AAIA/"))
    value = await host.read(bind_embeddings(host), {"rawText": "x"})
    assert value["count"] == 1
    assert len(service.requests) == 4


@pytest.mark.parametrize(
    "body",
    [{"data": None}, {"data": [{}]}, {"data": [{"embedding": "x!"}]}, {"data": ["x"]}, "text", []],
)
async def test_an_answer_that_holds_no_vectors_is_told(
    host: OpenAIHost, service: ModelService, body: Any
) -> None:
    connect(host, service)
    service.reply(Reply(body))
    with pytest.raises(BindingError, match="which are not embeddings"):
        await delivered(host, bind_embeddings(host), rawText="x")


async def test_too_few_vectors_are_told(host: OpenAIHost, service: ModelService) -> None:
    connect(host, service)
    service.reply(Reply({"data": []}))
    with pytest.raises(BindingError, match="answered 0 embeddings for 1 texts"):
        await delivered(host, bind_embeddings(host), rawText="x")


async def test_vectors_in_another_order_are_put_right(
    host: OpenAIHost, service: ModelService
) -> None:
    connect(host, service)
    entries = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    service.reply(Reply({"data": entries}))
    host.settings.values["FUNCEMU_EMBEDDINGS_FORMAT"] = "array"
    binding = bind_embeddings(host, maxChunkLength=10, maxOverlap=0)
    value = await host.read(binding, {"rawText": "One one. Two two."})
    assert [each["embedding"] for each in value["response"]["data"]] == [[1.0], [2.0]]
    assert value["response"]["model"] == "text-embedding-ada-002"
    assert value["response"]["usage"] == {"prompt_tokens": 0, "total_tokens": 0}


async def test_without_a_connection_words_make_the_vectors(host: OpenAIHost) -> None:
    value = await host.read(bind_embeddings(host), {"rawText": "Enter raw text here."})
    assert list(value) == ["request", "response", "count"]
    assert list(value["response"]) == ["data", "model", "object", "usage"]
    vector = from_base64(value["response"]["data"][0]["embedding"])
    assert len(vector) == 1536
    assert math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-6)
    assert value["response"]["model"] == "text-embedding-ada-002"


async def test_a_file_of_the_app_is_embedded(host: OpenAIHost, tmp_path: Path) -> None:
    host.app_root = tmp_path
    (tmp_path / "note.txt").write_text("A note.", encoding="utf-8")
    binding = bind_embeddings(host, input="{filePath}", inputType="file_path")
    value = await host.read(binding, {"filePath": "note.txt"})
    assert value["request"] == ["A note."]


async def test_a_plain_http_url_fails_with_azures_text(host: OpenAIHost) -> None:
    binding = bind_embeddings(host, input="{url}", inputType="Url")
    with pytest.raises(BindingError) as caught:
        await delivered(host, binding, url="http://example.test/a.txt")
    assert caught.value.message == (
        "Invalid Url: http://example.test/a.txt. Ensure it is a valid https Url."
    )


@pytest.mark.parametrize("text", ["", " \n\t"])
async def test_nothing_to_embed_is_refused(host: OpenAIHost, text: str) -> None:
    with pytest.raises(BindingError, match=r"^Input cannot be null or empty\.$"):
        await delivered(host, bind_embeddings(host), rawText=text)


async def test_an_overlap_that_is_too_long_fails_the_call(host: OpenAIHost) -> None:
    binding = bind_embeddings(host, maxChunkLength=100)
    expected = r"MaxOverlap \(128\) must be less than MaxChunkLength \(100\)\."
    with pytest.raises(BindingError, match=expected):
        await delivered(host, binding, rawText="x")


def test_an_unknown_input_type_is_told_when_the_app_is_loaded(host: OpenAIHost) -> None:
    with pytest.raises(BindingError, match="'pdf' is not an 'inputType'"):
        bind_embeddings(host, inputType="pdf")


async def test_requests_for_vectors_are_recorded(host: OpenAIHost, service: ModelService) -> None:
    connect(host, service)
    await delivered(host, bind_embeddings(host), rawText="x")
    service.reply(failure(400, "bad"))
    with pytest.raises(BindingError, match="bad"):
        await delivered(host, bind_embeddings(host), rawText="x")
    [(_, kind, good), (_, _, bad)] = host.records
    assert kind == "embeddings"
    assert (good["texts"], good["requests"], good["tokens"]) == (1, 1, 8)
    assert good["backend"] == "azure-openai"
    assert bad["error"] == "The model service answered 400: bad"
