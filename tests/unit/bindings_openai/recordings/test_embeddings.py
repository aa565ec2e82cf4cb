"""Recorded vectors: by text, whatever batch it came in."""

from __future__ import annotations

import json
from array import array
from pathlib import Path
from typing import Any

import pytest

from bindings.openai.models.base import Usage
from bindings.openai.models.embedding import EmbeddingReply, EmbeddingRequest
from bindings.openai.models.lexical import LexicalEmbeddings
from bindings.openai.recordings.embeddings import RecordedVectors, RecordingEmbeddings
from bindings.openai.recordings.redact import Redactor
from bindings.openai.seen import Tally
from emulator.sdk import BindingError

MODEL = "text-embedding-ada-002"


class Service:
    """Gives every text a vector of its own, a little different each time."""

    name = "openai"

    def __init__(self) -> None:
        self.asked: list[EmbeddingRequest] = []

    async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
        self.asked.append(request)
        noise = len(self.asked) * 1e-6
        vectors = tuple(
            array("f", [len(text), 1.0 + noise, ord(text[0]) / 100]) for text in request.texts
        )
        total = 3 * len(request.texts)
        return EmbeddingReply(vectors, request.model, Usage(total, total))


def recording(
    folder: Path, mode: Any = "replay", service: Any = None, told: list[str] | None = None
) -> RecordingEmbeddings:
    return RecordingEmbeddings(
        RecordedVectors(folder, Redactor(["planted-1"])),
        mode=mode,
        otherwise=service,
        tell=(told if told is not None else []).append,
        tally=Tally(),
    )


def texts(*wanted: str, **more: Any) -> EmbeddingRequest:
    return EmbeddingRequest(wanted, more.pop("model", MODEL), **more)


async def test_vectors_are_replayed_in_any_batch_and_order(tmp_path: Path) -> None:
    reply = await recording(tmp_path, "record", Service()).embed(texts("one", "three"))
    again = await recording(tmp_path).embed(texts("three", "one", "three"))
    assert again.vectors == (reply.vectors[1], reply.vectors[0], reply.vectors[1])
    assert again.usage == Usage(7 + 2, 7 + 2) or again.usage.total > 0


async def test_only_new_texts_are_asked_for_each_once(tmp_path: Path) -> None:
    service = Service()
    model = recording(tmp_path, "record", service)
    await model.embed(texts("one"))
    await model.embed(texts("one", "two", "two"))
    assert [request.texts for request in service.asked] == [("one",), ("two",)]


async def test_tokens_add_up_to_what_the_service_counted(tmp_path: Path) -> None:
    await recording(tmp_path, "record", Service()).embed(texts("one", "three", "fifteen"))
    assert (await recording(tmp_path).embed(texts("one", "three", "fifteen"))).usage.total == 9


async def test_the_model_and_the_length_count(tmp_path: Path) -> None:
    await recording(tmp_path, "record", Service()).embed(texts("one"))
    for other in (texts("one", model="m2"), texts("one", dimensions=3)):
        with pytest.raises(BindingError, match="No vector is recorded") as caught:
            await recording(tmp_path).embed(other)
        assert caught.value.code == "recording_not_found"


async def test_recording_anew_changes_nothing_but_what_is_new(tmp_path: Path) -> None:
    await recording(tmp_path, "record", Service()).embed(texts("one", "two"))
    file = tmp_path / "embeddings.json"
    before = file.read_text()
    service = Service()
    service.asked = [texts("x")] * 5
    await recording(tmp_path, "rerecord", service).embed(texts("two", "one"))
    assert len(service.asked) == 6
    assert file.read_text() == before

    class Other(Service):
        async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
            return EmbeddingReply((array("f", [0, 0, 1]),), request.model)

    await recording(tmp_path, "rerecord", Other()).embed(texts("two"))
    assert list((await recording(tmp_path).embed(texts("two"))).vectors[0]) == [0, 0, 1]


async def test_offline_vectors_stand_in_with_the_recorded_length(tmp_path: Path) -> None:
    await recording(tmp_path, "record", Service()).embed(texts("one"))
    told: list[str] = []
    model = recording(tmp_path, "auto", LexicalEmbeddings(), told)
    for _ in range(2):
        reply = await model.embed(texts("unknown", "one"))
    assert [len(vector) for vector in reply.vectors] == [3, 3]
    [warning] = told
    assert 'for the text "unknown"' in warning
    assert "embeddings.json" in {each.name for each in tmp_path.iterdir()}
    assert "unknown" not in (tmp_path / "embeddings.json").read_text()


async def test_texts_are_sorted_and_without_secrets(tmp_path: Path) -> None:
    await recording(tmp_path, "record", Service()).embed(texts("zebra", "planted-1 ant"))
    value = json.loads((tmp_path / "embeddings.json").read_text())
    assert [each["text"] for each in value["models"][MODEL]] == ["[redacted] ant", "zebra"]
    assert len((await recording(tmp_path).embed(texts("planted-1 ant"))).vectors) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"version": 2, "models": {}}',
        '{"version": 1, "models": {"m": [{"text": "a", "vector": "!"}]}}',
    ],
)
async def test_a_broken_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "embeddings.json").write_text(text)
    with pytest.raises(BindingError, match=r"embeddings\.json cannot be read"):
        await recording(tmp_path).embed(texts("one"))
