"""The JSON about embeddings that functions get, and give back in the form before 0.15."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bindings.openai.models.embedding import EmbeddingReply, Vector, from_base64, to_base64
from emulator.sdk import BindingError

VectorFormat = Literal["base64", "array"]

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")
_ALSO_ESCAPED = tuple((each, f"\\u{ord(each):04X}") for each in "&'<>+`")


@dataclass(frozen=True, slots=True)
class EmbeddingsContext:
    """What was embedded and what came of it."""

    texts: tuple[str, ...]
    reply: EmbeddingReply

    def to_json(self, vectors: VectorFormat = "base64") -> str:
        """Return the JSON text, keys in Azure's order."""
        reply = self.reply
        value = {
            "request": self.texts,
            "response": {
                "data": [
                    {"index": index, "embedding": _written(vector, vectors), "object": "embedding"}
                    for index, vector in enumerate(reply.vectors)
                ],
                "model": reply.model,
                "object": "list",
                "usage": {
                    "prompt_tokens": reply.usage.prompt,
                    "total_tokens": reply.usage.total,
                },
            },
            "count": len(reply.vectors),
        }
        return escaped_json(value)


def escaped_json(value: Any) -> str:
    """Write JSON as .NET's own serializer does: compact, and everything that is not plain ASCII
    text escaped, which is the same after parsing."""
    text = json.dumps(value, separators=(",", ":"))
    return _STRING.sub(lambda match: _escaped(match[0]), text)


def read_context(given: Any) -> list[tuple[str, Vector]]:
    """Return the texts and vectors of a context that a function hands over.

    Both forms are read: `request` as the list of texts, and, before 0.19, as the request to the
    model. Raises `BindingError` when they do not belong together.
    """
    context = _members(given)
    request = context.get("request")
    texts = _members(request).get("input") if isinstance(request, Mapping) else request
    if isinstance(texts, str):
        texts = [texts]
    data = _members(context.get("response")).get("data")
    try:
        vectors = [_read_vector(_members(entry)["embedding"]) for entry in data or ()]
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable("its vectors cannot be read") from error
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _unusable("it has no texts")
    if not vectors or len(texts) != len(vectors):
        raise _unusable(f"it has {len(texts)} texts and {len(vectors)} vectors")
    return list(zip(texts, vectors, strict=True))


def _escaped(literal: str) -> str:
    if "\\" in literal:
        literal = _ESCAPE.sub(_as_dotnet, literal)
    for character, code in _ALSO_ESCAPED:
        literal = literal.replace(character, code)
    return literal


def _as_dotnet(match: re.Match[str]) -> str:
    code = match[1]
    if code == '"':
        return "\\u0022"
    return f"\\u{code[1:].upper()}" if len(code) > 1 else match[0]


def _written(vector: Vector, form: VectorFormat) -> str | list[float]:
    if form == "base64":
        return to_base64(vector)
    # Nine digits tell 32-bit numbers apart; more would only show how they are kept here.
    return [float(f"{number:.9g}") for number in vector]


def _read_vector(value: Any) -> Vector:
    return from_base64(value) if isinstance(value, str) else array("f", value)


def _members(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key).lower(): member for key, member in value.items()}


def _unusable(reason: str) -> BindingError:
    return BindingError(
        f"The 'embeddingsContext' cannot be stored: {reason}.",
        hint="Hand over what an 'embeddings' binding delivered, unchanged.",
        code="embeddings-context-invalid",
    )
