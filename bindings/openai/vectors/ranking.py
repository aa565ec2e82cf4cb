"""Exact nearest neighbours by cosine: with numpy where that pays, without it otherwise."""

from __future__ import annotations

import heapq
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from operator import mul
from struct import Struct

from bindings.openai.models.embedding import Vector

if sys.version_info >= (3, 12):
    from math import sumprod as _product  # twice as fast
else:

    def _product(left: Sequence[float], right: Sequence[float]) -> float:
        return sum(map(mul, left, right), 0.0)


Row = tuple[int, bytes]
"""A row's key and its vector, as `to_bytes` writes it."""

Ranking = Callable[[Vector, Iterable[Row], int], list[tuple[float, int]]]
"""From a query, rows and a number to the scores and keys of that many rows, nearest first. Of
equally near rows the one with the lower key comes first. Vectors have the length of the query."""

_WORTH_NUMPY = 1000
"""Rows from which on numpy wins, although importing it takes as long as ranking them without."""

_BLOCK = 1024
"""Rows taken into memory at once."""


def choose_ranking(rows: int) -> Ranking:
    """Return what ranks that many rows soonest."""
    worth = rows >= _WORTH_NUMPY or "numpy" in sys.modules
    return rank_with_numpy if worth and find_spec("numpy") is not None else rank


def rank(query: Vector, rows: Iterable[Row], top: int) -> list[tuple[float, int]]:
    wanted = tuple(query)
    length = math.hypot(*wanted)
    unpack = Struct(f"<{len(wanted)}f").unpack

    def scored() -> Iterator[tuple[float, int]]:
        for key, data in rows:
            vector = unpack(data)
            lengths = length * math.hypot(*vector)
            yield (_product(wanted, vector) / lengths if lengths else 0.0), key

    return heapq.nsmallest(top, scored(), key=_order)


def rank_with_numpy(query: Vector, rows: Iterable[Row], top: int) -> list[tuple[float, int]]:
    import numpy  # here for start-up cost

    # In double precision, so that both ways rank alike down to the smallest numbers.
    wanted = numpy.array(query, dtype=numpy.float64)
    length = float(numpy.linalg.norm(wanted))
    best: list[tuple[float, int]] = []
    remaining = iter(rows)
    while block := list(islice(remaining, _BLOCK)):
        joined = b"".join(data for _, data in block)
        vectors = numpy.frombuffer(joined, dtype="<f4").astype(numpy.float64)
        vectors = vectors.reshape(len(block), len(query))
        lengths = length * numpy.linalg.norm(vectors, axis=1)
        products = vectors @ wanted
        scores = numpy.divide(products, lengths, out=numpy.zeros_like(products), where=lengths > 0)
        pairs = zip(scores.tolist(), (key for key, _ in block), strict=True)
        best = heapq.nsmallest(top, [*best, *pairs], key=_order)
    return best


def _order(pair: tuple[float, int]) -> tuple[float, int]:
    return -pair[0], pair[1]
