from __future__ import annotations

import base64
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.models.embedding import from_base64, from_bytes, to_base64, to_bytes


def test_vectors_are_written_as_little_endian_floats() -> None:
    text = to_base64(array("f", [1.0, -0.5]))
    assert text == base64.b64encode(struct.pack("<2f", 1.0, -0.5)).decode()


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=20))
def test_vectors_survive_both_ways(values: list[float]) -> None:
    vector = array("f", values)
    assert from_base64(to_base64(vector)) == vector
    assert from_bytes(to_bytes(vector)) == vector


@pytest.mark.parametrize("text", ["not base64!", "AAA=", "AAAA"])
def test_what_is_not_a_vector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_base64(text)
