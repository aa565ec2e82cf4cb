"""Embeddings without a model: texts that share words, stems or parts of words are near each other.

Every text always has the same vector, on every machine and Python. Words count by their stem, and
by the letters they are made of so that inflections and compounds are found too; words that say
nothing about the topic count little. What two texts have in common by meaning alone is not seen.
"""

from __future__ import annotations

import asyncio
import math
import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import mul
from zlib import crc32

from bindings.openai.models.base import Usage
from bindings.openai.models.embedding import EmbeddingReply, EmbeddingRequest, Vector
from bindings.openai.models.words import STOP_WORDS, stem

DEFAULT_DIMENSIONS = 1536
_LARGE_DIMENSIONS = 3072

_STOP_WORD_WEIGHT = 0.15
_GRAM_WEIGHT = 0.35

_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_SHORTEST_QUOTE = 4
"""Words."""
_LONGEST_QUOTE = 400
"""Characters."""

_LONGEST_AT_ONCE = 50_000
"""Characters that are embedded before anything else goes on."""

_LONGEST_KEPT = 32
"""Longer words, such as a page of Chinese, are rarely met again and would fill the memory."""

_WORD = re.compile(r"[^\W_]+")
# Scripts written without spaces: a run of them is read by pairs of characters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


class LexicalEmbeddings:
    """The embeddings backend that needs no service."""

    name = "lexical"

    async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
        dimensions = request.dimensions or model_dimensions(request.model)
        if sum(map(len, request.texts)) > _LONGEST_AT_ONCE:
            # A whole book takes seconds: other calls go on meanwhile.
            vectors = await asyncio.to_thread(_embed_all, request.texts, dimensions)
        else:
            vectors = _embed_all(request.texts, dimensions)
        tokens = sum(max(1, len(text) // 4) for text in request.texts)
        return EmbeddingReply(vectors, request.model, Usage(total=tokens, prompt=tokens))


def model_dimensions(model: str) -> int:
    """Return how long the vectors of the named model are by default."""
    return _LARGE_DIMENSIONS if "embedding-3-large" in model.lower() else DEFAULT_DIMENSIONS


def embed_text(text: str, dimensions: int = DEFAULT_DIMENSIONS) -> Vector:
    """Return the vector of one text, of length 1."""
    weights: dict[int, float] = {}
    counts: dict[str, int] = {}
    for word in _WORD.findall(_folded(text)):
        counts[word] = counts.get(word, 0) + 1
    # A text without words still needs a direction of its own.
    for word in counts or {text: 1}:
        # Square roots are the same everywhere, logarithms need not be.
        often = math.sqrt(counts.get(word, 1))
        features = _kept_features if len(word) <= _LONGEST_KEPT else _features
        for code, weight in features(word):
            place = (code >> 1) % dimensions
            weights[place] = weights.get(place, 0.0) + often * (weight if code & 1 else -weight)
    length = math.sqrt(math.fsum(weight * weight for weight in weights.values()))
    vector: Vector = array("f", bytes(4 * dimensions))
    if not length:  # in very few dimensions everything may cancel out
        vector[0] = length = 1.0
        weights.clear()
    for place, weight in weights.items():
        vector[place] = weight / length
    return vector


def answer_from_documents(question: str, documents: Sequence[tuple[str, str]]) -> str:
    """Quote the part of a document that is nearest to the question, and name its title."""
    wanted = embed_text(question)
    parts = [(title, part) for title, text in documents for part in _passages(text)]
    # A heading names its topic best and says nothing about it.
    parts = [each for each in parts if len(each[1].split()) >= _SHORTEST_QUOTE] or parts
    if not parts:
        return "The documents that were found hold no text."
    title, part = max(parts, key=lambda each: sum(map(mul, wanted, embed_text(each[1]))))
    return f"{part}\n\nReference: {title}"


def _passages(text: str) -> Iterator[str]:
    """Yield every two sentences of a paragraph that follow each other, cut where they are too
    long to quote."""
    for paragraph in _PARAGRAPH_END.split(text):
        sentences = _SENTENCE_END.split(" ".join(paragraph.split()))
        for start in range(max(1, len(sentences) - 1)):
            passage = " ".join(sentences[start : start + 2])
            if passage:
                yield passage if len(passage) <= _LONGEST_QUOTE else passage[:_LONGEST_QUOTE] + "…"


def _embed_all(texts: Sequence[str], dimensions: int) -> tuple[Vector, ...]:
    return tuple(embed_text(text, dimensions) for text in texts)


def _features(word: str) -> tuple[tuple[int, float], ...]:
    """Return the hash and weight of everything a word counts by."""
    if word in STOP_WORDS:
        return ((_code(word), _STOP_WORD_WEIGHT),)
    grams = [(_code(gram), _GRAM_WEIGHT) for gram in dict.fromkeys(_grams(word))]
    return ((_code(f"={stem(word)}"), 1.0), *grams)


_kept_features = lru_cache(maxsize=2048)(_features)


def _grams(word: str) -> Iterator[str]:
    if _UNSPACED.search(word):
        yield from word
        yield from (word[at : at + 2] for at in range(len(word) - 1))
        return
    marked = f"^{word}$"
    for size in (3, 4):
        yield from (marked[at : at + size] for at in range(len(marked) - size + 1))


def _code(feature: str) -> int:
    """Hash evenly into 32 bits: a checksum tells texts apart, the product mixes its bits."""
    return (crc32(feature.encode("utf-8", "surrogatepass")) * 0x9E3779B1 >> 16) & 0xFFFFFFFF


def _folded(text: str) -> str:
    """Return the text without case, accents and typographic variants."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))
