from __future__ import annotations

import asyncio
import hashlib
import json
import math
from pathlib import Path
from timeit import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.models.embedding import EmbeddingRequest, Vector, to_bytes
from bindings.openai.models.lexical import (
    LexicalEmbeddings,
    answer_from_documents,
    embed_text,
)

_PAIRS = json.loads((Path(__file__).parents[3] / "tests/evaluation/pairs.json").read_text("utf-8"))


def _likeness(left: Vector, right: Vector) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("dimensions", [256, 1536, 3072])
def test_most_questions_find_their_passage_first(dimensions: int) -> None:
    passages = [embed_text(pair["passage"], dimensions) for pair in _PAIRS]
    first = within_three = 0
    for index, pair in enumerate(_PAIRS):
        question = embed_text(pair["question"], dimensions)
        scores = [_likeness(question, passage) for passage in passages]
        better = sum(score > scores[index] for score in scores)
        first += better == 0
        within_three += better < 3
    assert len(_PAIRS) == 24
    assert first >= 20
    assert within_three >= 22


def test_vectors_are_the_same_on_every_machine_and_python() -> None:
    # A change of this number means that vectors stored by earlier versions no longer match.
    data = to_bytes(embed_text("Bücher über Füchse: the quick brown fox, 東京 2026!"))
    assert hashlib.sha256(data).hexdigest() == (
        "19df8aa05c9d5579625f03cbbd29574854a66021391b381a6fd8866e7b68faa0"
    )


@given(st.text(max_size=60), st.sampled_from([1, 2, 3, 256, 1536]))
def test_every_text_has_a_vector_of_length_one(text: str, dimensions: int) -> None:
    vector = embed_text(text, dimensions)
    assert len(vector) == dimensions
    assert math.isclose(_likeness(vector, vector), 1.0, abs_tol=1e-5)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        pytest.param("refunds", "We refunded the order", "We repaired the engine", id="inflection"),
        pytest.param("café", "CAFE opening hours", "library opening hours", id="accents and case"),
        pytest.param("Versicherung", "Krankenversicherung", "Gartenarbeit", id="compound"),
        pytest.param("東京の天気", "今日の東京", "大阪城公園", id="script without spaces"),
        pytest.param("database bakcup", "backup of databases", "lunch menu", id="misspelling"),
    ],
)
def test_texts_with_common_words_are_nearer(text: str, near: str, far: str) -> None:
    vector = embed_text(text)
    assert _likeness(vector, embed_text(near)) > _likeness(vector, embed_text(far)) + 0.1


def test_words_without_a_topic_count_little() -> None:
    question = embed_text("what is the price of it")
    assert _likeness(question, embed_text("price list")) > 0.5
    assert _likeness(question, embed_text("what is the colour of it")) < 0.3


def test_a_sentence_takes_at_most_half_a_millisecond() -> None:
    sentence = "How long does it take until a refund for a cancelled order arrives on my card?"
    assert min(repeat(lambda: embed_text(sentence), number=10, repeat=5)) / 10 < 0.0005


async def test_backend_answers_one_vector_for_each_text() -> None:
    backend = LexicalEmbeddings()
    reply = await backend.embed(EmbeddingRequest(("one text", "another"), "my-deployment"))
    assert reply.vectors == (embed_text("one text"), embed_text("another"))
    assert reply.model == "my-deployment"
    assert reply.usage.total == reply.usage.prompt == 3


async def test_other_calls_go_on_while_a_book_is_embedded() -> None:
    book = tuple(f"chapter {number} " * 600 for number in range(10))
    others = 0

    async def count() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    reply = await LexicalEmbeddings().embed(EmbeddingRequest(book, "m"))
    counting.cancel()
    assert others > 1
    assert reply.vectors == tuple(embed_text(text) for text in book)


@pytest.mark.parametrize(
    ("model", "wished", "expected"),
    [
        ("text-embedding-ada-002", None, 1536),
        ("text-embedding-3-large", None, 3072),
        ("text-embedding-3-large", 256, 256),
    ],
)
async def test_vectors_are_as_long_as_the_models_own(
    model: str, wished: int | None, expected: int
) -> None:
    request = EmbeddingRequest(("text",), model, dimensions=wished)
    reply = await LexicalEmbeddings().embed(request)
    assert len(reply.vectors[0]) == expected


def test_an_answer_quotes_the_nearest_passage_and_names_its_document() -> None:
    handbook = "Welcome to us. Lunch is at noon.\n\nRefunds take ten days. Ask support for more."
    documents = [("handbook", handbook), ("cats", "Cats sleep.")]
    assert answer_from_documents("How long do refunds take?", documents) == (
        "Refunds take ten days. Ask support for more.\n\nReference: handbook"
    )


def test_an_answer_is_short_whatever_the_document() -> None:
    answer = answer_from_documents("x", [("long", "word " * 1000)])
    assert len(answer) < 450
    assert answer.endswith("…\n\nReference: long")
    assert "hold no text" in answer_from_documents("x", [("empty", " \n ")])
