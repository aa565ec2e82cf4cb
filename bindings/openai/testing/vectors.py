"""Vectors a test gives to texts."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Self

from bindings.openai.models.embedding import Vector
from bindings.openai.testing.asked import ModelRequest, Pattern, matches, pattern_text
from bindings.openai.testing.turns import Failure


class VectorTurn:
    """Made by `models.on_embedding(…)`. It serves every text that fits, as often as it comes."""

    def __init__(self, pattern: Pattern, place: str) -> None:
        self._pattern = pattern
        self._optional = False
        self.used = 0
        self.vector: Vector | None = None
        self.failures: list[Failure] = []
        self.place = place

    def returns(self, vector: Sequence[float]) -> Self:
        """Let the texts have this vector; all vectors of one search need the same length."""
        self.vector = array("f", vector)
        return self

    def fails(
        self, status: int, *, times: int | None = None, retry_after: float | None = None
    ) -> Self:
        """Let the service refuse, as `Turn.fails`."""
        self.failures.append(Failure(status, times, retry_after))
        return self

    def optional(self) -> Self:
        """Do not ask that it is used."""
        self._optional = True
        return self

    def fits(self, text: str, request: ModelRequest) -> bool:
        """Whether the text is one it was written for."""
        return matches(self._pattern, text, request)

    def unused(self) -> str | None:
        """Say that it was never asked for; `None` when it was, or need not be."""
        if self.vector is None and not self.failures:
            return f"{self} has no vector: add .returns([…])"
        return None if self.used or self._optional else f"{self} was never asked for"

    def __str__(self) -> str:
        return f"models.on_embedding({pattern_text(self._pattern)}) in {self.place}"
