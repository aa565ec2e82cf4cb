from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bindings.openai.embeddings.chunking import chunks
from emulator.sdk import BindingError

_LETTERS = st.sampled_from("ab.!?,; ()\t\né\u3000\x1c😀")
_TEXTS = st.text(alphabet=_LETTERS | st.characters(codec="utf-8"), max_size=200)


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _visible(text: str) -> str:
    """What must survive: everything but the white space that .NET trims."""
    return "".join(each for each in text if not each.isspace() or "\x1c" <= each <= "\x1f")


@st.composite
def _limits(draw: st.DrawFn) -> tuple[int, int]:
    length = draw(st.integers(2, 40))
    return length, draw(st.integers(0, length - 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Azure", ["Azure"], id="one word"),
        pytest.param("What is Azure", ["What is Azure"], id="the last word is kept"),
        pytest.param(
            "Hello world. Tail without period",
            ["Hello world. Tail without period"],
            id="what follows the last sentence is kept",
        ),
        pytest.param("  Padded.  \n", ["Padded."], id="white space around is removed"),
        pytest.param("", [], id="nothing"),
        pytest.param(" \t\n\u3000", [], id="white space only"),
        pytest.param("\x1cseparator\x1f", ["\x1cseparator\x1f"], id="not white space for .NET"),
    ],
)
def test_text_shorter_than_a_chunk_stays_whole(text: str, expected: list[str]) -> None:
    assert chunks(text, max_length=8192, max_overlap=128) == expected


def test_overlap_begins_at_a_word_break() -> None:
    assert chunks("x x x x x x x x x x ", max_length=8, max_overlap=2) == [
        "x x x x",
        "x x x",
        "x x x",
    ]


def test_a_sentence_end_is_preferred_to_a_later_word_break() -> None:
    text = "One two. three four five"
    assert chunks(text, max_length=16, max_overlap=0) == ["One two.", "three four five"]


def test_a_word_longer_than_a_chunk_is_cut() -> None:
    assert chunks("abcdefghij", max_length=4, max_overlap=1) == ["abcd", "efgh", "ij"]


def test_a_document_goes_on_when_the_only_break_lies_within_the_overlap() -> None:
    text = " a" + "b" * 30 + " end"
    assert chunks(text, max_length=8, max_overlap=4)[-1].endswith("end")
    assert _visible("".join(chunks(text, max_length=8, max_overlap=0))) == _visible(text)


def test_an_emoji_is_not_cut_in_two() -> None:
    assert chunks("abc😀def", max_length=4, max_overlap=0) == ["abc", "😀de", "f"]
    assert chunks("😀😀", max_length=1, max_overlap=0) == ["😀", "😀"]


@pytest.mark.parametrize(("length", "overlap"), [(8, 8), (8, 9), (0, 0)])
def test_an_overlap_as_long_as_a_chunk_is_refused(length: int, overlap: int) -> None:
    expected = rf"MaxOverlap \({overlap}\) must be less than MaxChunkLength \({length}\)\."
    with pytest.raises(BindingError, match=expected):
        chunks("text", max_length=length, max_overlap=overlap)


def test_a_negative_overlap_is_refused() -> None:
    with pytest.raises(BindingError, match="must not be negative"):
        chunks("text", max_length=8, max_overlap=-1)


@given(_TEXTS, _limits())
def test_no_chunk_is_too_long_empty_or_padded(text: str, limits: tuple[int, int]) -> None:
    length, overlap = limits
    for chunk in chunks(text, max_length=length, max_overlap=overlap):
        assert 0 < _utf16(chunk) <= length
        assert _visible(chunk[0])
        assert _visible(chunk[-1])


@given(_TEXTS, _limits())
@example("a,,,", (2, 1))
def test_every_visible_character_appears_in_order(text: str, limits: tuple[int, int]) -> None:
    length, overlap = limits
    wanted = _visible(text)
    ends = {0}  # where the last chunk may have ended: ",," fits at two places of ",,,"
    for chunk in chunks(text, max_length=length, max_overlap=overlap):
        seen = _visible(chunk)
        # A chunk goes on where the last one ended, or repeats at most the overlap of it.
        ends = {
            at + len(seen)
            for end in ends
            for at in range(end, max(-1, end - overlap - 1), -1)
            if wanted.startswith(seen, at) and at + len(seen) >= end
        }
    assert len(wanted) in ends


@given(_TEXTS, st.integers(2, 40))
def test_without_overlap_nothing_is_repeated(text: str, length: int) -> None:
    pieces = chunks(text, max_length=length, max_overlap=0)
    assert "".join(map(_visible, pieces)) == _visible(text)


@given(_limits(), st.integers(1, 60))
def test_long_documents_of_sentences_are_covered(limits: tuple[int, int], count: int) -> None:
    length, overlap = limits
    text = " ".join(f"Sentence {number} ends here." for number in range(count))
    found = chunks(text, max_length=length, max_overlap=overlap)
    assert found[0].startswith("Sentence"[:length])
    assert found[-1].endswith(".")
