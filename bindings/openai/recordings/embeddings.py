"""Recorded vectors: one for each text, model and length, whatever batch a text came in."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path

import msgspec

from bindings.openai.models.base import Usage
from bindings.openai.models.embedding import (
    EmbeddingBackend,
    EmbeddingReply,
    EmbeddingRequest,
    Vector,
    from_base64,
    to_base64,
)
from bindings.openai.recordings.backend import NOT_FOUND, Mode
from bindings.openai.recordings.files import VERSION, write_atomically
from bindings.openai.recordings.folder import EMBEDDINGS_FILE
from bindings.openai.recordings.redact import Redactor
from bindings.openai.seen import Tally
from emulator.sdk import BindingError

_SAME = 0.9999
"""Cosine from which a vector counts as the recorded one: services round anew each time."""


class VectorForm(msgspec.Struct):
    text: str
    vector: str
    dimensions: int | None = None
    tokens: int = 0


class EmbeddingsForm(msgspec.Struct):
    version: int
    models: dict[str, list[VectorForm]]


Key = tuple[str, int | None, str]


class RecordedVectors:
    """The vectors of one folder; keys are the model, the length asked for, and the text."""

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        self.file = folder / EMBEDDINGS_FILE
        self._redactor = redactor
        self._known: dict[Key, VectorForm] = {}
        self._read_at: tuple[int, int] | None = None
        self._writing = asyncio.Lock()

    def refresh(self) -> None:
        """Read the file when it is another than before."""
        if self._writing.locked():
            return
        try:
            status = self.file.stat()
        except OSError:
            self._known, self._read_at = {}, None
            return
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._read_at:
            self._known = _read(self.file)
            self._read_at = stamp

    def key(self, request: EmbeddingRequest, text: str) -> Key:
        return (request.model, request.dimensions, self._redactor.text(text))

    def get(self, key: Key) -> VectorForm | None:
        return self._known.get(key)

    def models(self) -> list[str]:
        return sorted({model for model, _, _ in self._known})

    def texts(self, model: str) -> list[str]:
        return [text for each, _, text in self._known if each == model]

    def length(self, model: str) -> int | None:
        """Return how long the recorded vectors of a model are, if there are any."""
        for (each, _, _), form in self._known.items():
            if each == model:
                return len(from_base64(form.vector))
        return None

    async def keep(self, forms: dict[Key, VectorForm]) -> None:
        """Store vectors; those that are as good as the recorded ones change nothing."""
        async with self._writing:
            for key, form in forms.items():
                known = self._known.get(key)
                if known is None or not _same(known.vector, form.vector):
                    self._known[key] = form
            await asyncio.to_thread(write_atomically, self.file, _text(self._known))
            status = self.file.stat()
            self._read_at = (status.st_mtime_ns, status.st_size)


class RecordingEmbeddings:
    """Vectors from recordings; `otherwise` is asked for texts that have none, if it may be."""

    name = "recordings"

    def __init__(
        self,
        vectors: RecordedVectors,
        *,
        mode: Mode,
        otherwise: EmbeddingBackend | None,
        tell: Callable[[str], None],
        tally: Tally,
    ) -> None:
        self._vectors = vectors
        self._mode = mode
        self._otherwise = otherwise
        self._tell = tell
        self._tally = tally
        self._told: set[str] = set()

    async def embed(self, request: EmbeddingRequest) -> EmbeddingReply:
        self._vectors.refresh()
        keys = [self._vectors.key(request, text) for text in request.texts]
        missing = [
            index
            for index, key in enumerate(keys)
            if self._mode == "rerecord" or self._vectors.get(key) is None
        ]
        found: dict[int, VectorForm] = {}
        if missing:
            found = await self._ask(request, missing)
            if self._mode in {"record", "rerecord"}:
                await self._vectors.keep({keys[index]: form for index, form in found.items()})
        forms = []
        for index, key in enumerate(keys):
            form = found[index] if self._mode == "auto" and index in found else None
            form = form or self._vectors.get(key) or found[index]
            forms.append(form)
        tokens = sum(form.tokens or max(1, len(form.text) // 4) for form in forms)
        return EmbeddingReply(
            tuple(from_base64(form.vector) for form in forms),
            request.model,
            Usage(total=tokens, prompt=tokens),
        )

    async def _ask(self, request: EmbeddingRequest, missing: list[int]) -> dict[int, VectorForm]:
        """Get vectors for the texts at these places only, each text once."""
        texts = tuple(dict.fromkeys(request.texts[index] for index in missing))
        if self._mode in {"auto", "replay"}:
            self._tally.missed()
            self._refuse_or_tell(request, texts[0])
        assert self._otherwise is not None, "refused before"
        dimensions = request.dimensions
        if self._mode == "auto":
            dimensions = dimensions or self._vectors.length(request.model)
        single = request.single and len(texts) == 1
        asked = EmbeddingRequest(
            texts, request.model, dimensions=dimensions, single=single, tell=request.tell
        )
        reply = await self._otherwise.embed(asked)
        shares = _shares(reply.usage.total, texts)
        by_text = {
            text: VectorForm(
                self._vectors.key(request, text)[2], to_base64(vector), request.dimensions, share
            )
            for text, vector, share in zip(texts, reply.vectors, shares, strict=True)
        }
        return {index: by_text[request.texts[index]] for index in missing}

    def _refuse_or_tell(self, request: EmbeddingRequest, text: str) -> None:
        folder = self._vectors.file.parent.name
        known = len(self._vectors.texts(request.model))
        why = (
            f"No vector is recorded in {folder}/{EMBEDDINGS_FILE} for the text {_short(text)} and "
            f"the model '{request.model}', of which it has {known}."
        )
        if self._otherwise is None:
            raise BindingError(
                why,
                hint="Record it: funcemu start --models record, with a model service configured.",
                code=NOT_FOUND,
            )
        if known and request.model not in self._told:
            self._told.add(request.model)
            self._tell(f"{why} It is made from words instead, which compares badly with the rest.")


def _read(file: Path) -> dict[Key, VectorForm]:
    try:
        form = msgspec.json.decode(file.read_bytes(), type=EmbeddingsForm)
        if form.version != VERSION:
            raise ValueError(f"it has the version {form.version}, not {VERSION}")
        for forms in form.models.values():
            for each in forms:
                from_base64(each.vector)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise BindingError(
            f"The recorded vectors {file} cannot be read: {error}.",
            hint="Take the file from version control again, or delete it and record anew.",
            code="recording-unreadable",
        ) from error
    return {
        (model, each.dimensions, each.text): each
        for model, forms in form.models.items()
        for each in forms
    }


def _text(known: dict[Key, VectorForm]) -> str:
    models: dict[str, list[VectorForm]] = {}
    for model, _, _ in known:
        models.setdefault(model, [])
    for key in sorted(known, key=lambda each: (each[0], each[2], each[1] or 0)):
        models[key[0]].append(known[key])
    form = EmbeddingsForm(VERSION, {model: models[model] for model in sorted(models)})
    return json.dumps(msgspec.to_builtins(form), ensure_ascii=False, indent=1) + "\n"


def _same(one: str, other: str) -> bool:
    first, second = from_base64(one), from_base64(other)
    if len(first) != len(second):
        return False
    scale = math.hypot(*first) * math.hypot(*second)
    return scale > 0 and _dot(first, second) / scale > _SAME


def _dot(one: Vector, other: Vector) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def _shares(total: int, texts: tuple[str, ...]) -> list[int]:
    """Split the tokens of a request among its texts by their length, so that they add up."""
    weights = [max(1, len(text)) for text in texts]
    whole = sum(weights)
    ends = [total * sum(weights[: at + 1]) // whole for at in range(len(weights))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line[:80]}…"' if len(line) > 80 else f'"{line}"'
