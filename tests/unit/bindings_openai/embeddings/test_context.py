from __future__ import annotations

import json
from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.embeddings.context import EmbeddingsContext, escaped_json, read_context
from bindings.openai.models.embedding import EmbeddingReply

_NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(['"', '\\"', "1e+5,", "+", "<&'>`", "é\x7f\u2028😀"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(_JSON)
def test_escaped_json_means_the_same(value: Any) -> None:
    text = escaped_json(value)
    assert text.isascii()
    assert json.loads(text) == value


def test_everything_but_plain_text_is_escaped_in_upper_case() -> None:
    assert escaped_json({"'k'": ['a"b\\"', "<é😀+`&>\n\x7f", 1e30]}) == (
        r'{"\u0027k\u0027":["a\u0022b\\\u0022",'
        r'"\u003C\u00E9\uD83D\uDE00\u002B\u0060\u0026\u003E\n\u007F",1e+30]}'
    )


@given(st.lists(st.tuples(st.text(min_size=1), _NUMBERS), min_size=1, max_size=5))
def test_what_was_delivered_can_be_handed_back(chunks: list[tuple[str, float]]) -> None:
    vectors = tuple(array("f", [number, 1.0]) for _, number in chunks)
    texts = tuple(text for text, _ in chunks)
    context = EmbeddingsContext(texts, EmbeddingReply(vectors, "m"))
    expected = list(zip(texts, vectors, strict=True))
    assert read_context(json.loads(context.to_json())) == expected
    assert read_context(json.loads(context.to_json("array"))) == expected


def test_one_text_may_stand_without_a_list() -> None:
    context = {"Request": {"Input": "a"}, "Response": {"Data": [{"Embedding": [1.0]}]}}
    assert read_context(context) == [("a", array("f", [1.0]))]
