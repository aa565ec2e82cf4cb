"""Numbers and texts as conversations send and store them."""

from __future__ import annotations

from bindings.openai.assistants.conversation import fitted, number, whole_number
from bindings.openai.chats.base import utf16_length


def test_numbers_are_read_with_a_dot_only() -> None:
    assert [number(text) for text in ("0.5", " 1 ", "1e1", "0,5", "inf", None)] == [
        0.5,
        1.0,
        10.0,
        None,
        None,
        None,
    ]
    assert [whole_number(text) for text in ("100", " 7 ", "7.0", "", None)] == [
        100,
        7,
        None,
        None,
        None,
    ]


def test_fitted_text_stays_as_it_is_up_to_the_limit() -> None:
    for text in ("x" * 32_768, "👋" * 16_384, ""):
        assert fitted(text) == text
    assert utf16_length(fitted("x" * 32_769)) == 32_768
