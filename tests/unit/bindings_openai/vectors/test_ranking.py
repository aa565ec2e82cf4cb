from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindings.openai.models.embedding import Vector, to_bytes
from bindings.openai.vectors import ranking
from bindings.openai.vectors.ranking import Ranking, choose_ranking, rank, rank_with_numpy

_NUMBERS = st.lists(st.floats(-10, 10, width=32), min_size=4, max_size=4)


def _rows(*vectors: list[float]) -> list[tuple[int, bytes]]:
    return [(key, to_bytes(array("f", vector))) for key, vector in enumerate(vectors)]


@pytest.fixture(params=[rank, rank_with_numpy], ids=["pure", "numpy"])
def ranked(request: pytest.FixtureRequest) -> Ranking:
    return request.param  # type: ignore[no-any-return]


def test_the_nearest_direction_comes_first(ranked: Ranking) -> None:
    rows = _rows([0.0, 1.0], [5.0, 5.0], [100.0, 1.0], [-1.0, 0.0])
    found = ranked(array("f", [2.0, 0.0]), rows, 10)
    assert [key for _, key in found] == [2, 1, 0, 3]
    assert [score for score, _ in found] == pytest.approx([0.99995, 0.70711, 0.0, -1.0], abs=1e-5)


def test_only_as_many_as_wished_are_returned(ranked: Ranking) -> None:
    rows = _rows([1.0, 0.0], [1.0, 1.0], [1.0, 2.0])
    assert [key for _, key in ranked(array("f", [1.0, 0.0]), rows, 2)] == [0, 1]
    assert ranked(array("f", [1.0, 0.0]), rows, 0) == []
    assert ranked(array("f", [1.0, 0.0]), [], 3) == []


def test_of_equals_the_first_comes_first(ranked: Ranking) -> None:
    rows = _rows([1.0, 0.0], [1.0, 0.0], [1.0, 0.0])
    assert [key for _, key in ranked(array("f", [1.0, 0.0]), rows, 2)] == [0, 1]


def test_vectors_of_zeros_are_like_nothing(ranked: Ranking) -> None:
    rows = _rows([0.0, 0.0], [1.0, 0.0])
    assert ranked(array("f", [1.0, 0.0]), rows, 2) == [(1.0, 1), (0.0, 0)]
    assert ranked(array("f", [0.0, 0.0]), rows, 2) == [(0.0, 0), (0.0, 1)]


def test_more_rows_than_a_block_are_ranked(
    ranked: Ranking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "_BLOCK", 3)
    rows = _rows(*([1.0, float(number)] for number in range(10, 0, -1)))
    assert [key for _, key in ranked(array("f", [1.0, 0.0]), rows, 3)] == [9, 8, 7]


@given(_NUMBERS, st.lists(_NUMBERS, max_size=8))
def test_both_ways_score_alike(query: list[float], vectors: list[list[float]]) -> None:
    wanted: Vector = array("f", query)
    rows = _rows(*vectors)
    pure = dict((key, score) for score, key in rank(wanted, rows, 8))
    fast = dict((key, score) for score, key in rank_with_numpy(wanted, rows, 8))
    assert pure == pytest.approx(fast, abs=1e-9)


def test_many_rows_are_worth_numpy() -> None:
    assert choose_ranking(100_000) is rank_with_numpy
