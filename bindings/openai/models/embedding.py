"""The port for embeddings models, its adapter for services, and the text form of vectors."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bindings.openai.models.base import Usage
from bindings.openai.models.retrying import ServiceError

Vector: TypeAlias = "array[float]"
"""32-bit floats: `array("f", …)`."""


def _keep_quiet(message: str) -> None:
    """Nobody waits for this answer."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """`dimensions` is the wished length of the vectors, `None` the model's own. With `single` the
    one text goes to the service as a text, not as a list of one."""

    texts: tuple[str, ...]
    model: str
    dimensions: int | None = None
    single: bool = False
    tell: Callable[[str], None] = _keep_quiet


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


class Service(Protocol):
    """What `ServiceEmbeddings` needs of a connection; the chat adapter for services is one."""

    name: str

    async def post(self, path: str, body: Mapping[str, Any], *, tell: Callable[[str], None]) -> Any:
        """Send a request, with retries; return the parsed answer."""
        ...


class ServiceEmbeddings:
    """The embeddings of OpenAI, Azure OpenAI and servers like them."""

    def __init__(self, service: Service) -> None:
        self.name = service.name
        self._service = service

    async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
        body: dict[str, Any] = {
            "input": request.texts[0] if request.single else list(request.texts),
            "model": request.model,
            "encoding_format": "base64",
        }
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        try:
            answer = await self._service.post("/embeddings", body, tell=request.tell)
        except ServiceError as error:
            error.hint = _advice(error) or error.hint
            raise
        return read_embeddings(answer, request)


def read_embeddings(answer: Any, request: EmbeddingRequest) -> EmbeddingReply:
    """Read what a service answered, vectors as base64 or as numbers; raise `ServiceError` when
    it is not one vector for each text."""
    try:
        entries = sorted(enumerate(answer["data"]), key=lambda each: each[1].get("index", each[0]))
        vectors = tuple(_vector(entry["embedding"]) for _, entry in entries)
        usage = answer.get("usage") or {}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ServiceError(
            f"The model service answered {str(answer)[:80]!r}, which are not embeddings.",
            status=200,
            hint="Check that the endpoint is the address of an OpenAI-compatible service, and "
            "that the model named by 'embeddingsModel' is one for embeddings.",
        ) from error
    if len(vectors) != len(request.texts):
        raise ServiceError(
            f"The model service answered {len(vectors)} embeddings for {len(request.texts)} texts.",
            status=200,
        )
    prompt = int(usage.get("prompt_tokens") or 0)
    total = int(usage.get("total_tokens") or prompt)
    model = str(answer.get("model") or request.model)
    return EmbeddingReply(vectors, model, Usage(total=total, prompt=prompt))


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


def _vector(value: Any) -> Vector:
    return from_base64(value) if isinstance(value, str) else array("f", value)


def _advice(error: ServiceError) -> str | None:
    """Name the option or setting of embeddings where the service's refusal is about them."""
    if error.status == 404:
        return "Check that the deployment or model named by 'embeddingsModel' exists there."
    said = error.message.lower()
    if error.status == 400 and ("number of inputs" in said or "tokens per request" in said):
        return "Set FUNCEMU_EMBEDDINGS_BATCH to the number of texts the service takes at once."
    return None
