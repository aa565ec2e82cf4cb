"""The port for embeddings models, and the text form of their vectors."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bindings.openai.models.base import Usage

Vector: TypeAlias = "array[float]"
"""32-bit floats: `array("f", …)`."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """`dimensions` is the wished length of the vectors, `None` the model's own. With `single` the
    one text goes to the service as a text, not as a list of one."""

    texts: tuple[str, ...]
    model: str
    dimensions: int | None = None
    single: bool = False


@dataclass(frozen=True, slots=True)
class EmbeddingReply:
    """One vector for each text, in the order of the texts. `model` is what the service says it
    is, which need not be the deployment's name."""

    vectors: tuple[Vector, ...]
    model: str
    usage: Usage = Usage()


class EmbeddingBackend(Protocol):
    """One way to get vectors."""

    name: str
    """What it is called in records: `azure-openai`, `openai`, `lexical`."""

    async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
        """Answer, or raise `BindingError` with a text for the user."""
        ...

    async def aclose(self) -> None: ...


def vector_of(values: Iterable[float]) -> Vector:
    return array("f", values)


def to_base64(vector: Vector) -> str:
    """Write a vector as services do: base64 of little-endian 32-bit floats."""
    return base64.b64encode(to_bytes(vector)).decode("ascii")


def from_base64(text: str) -> Vector:
    """Read what `to_base64` writes; `ValueError` when it is something else."""
    return from_bytes(base64.b64decode(text, validate=True))


def to_bytes(vector: Vector) -> bytes:
    if sys.byteorder == "little":
        return vector.tobytes()
    swapped = array("f", vector)
    swapped.byteswap()
    return swapped.tobytes()


def from_bytes(data: bytes) -> Vector:
    vector: Vector = array("f")
    vector.frombytes(data)
    if sys.byteorder != "little":
        vector.byteswap()
    return vector
