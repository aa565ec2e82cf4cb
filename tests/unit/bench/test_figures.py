"""The arithmetic behind the measurements."""

from __future__ import annotations

import pytest

from tests.bench.figures import (
    GIVE_UP_AFTER,
    Budget,
    Missing,
    difference,
    finished,
    interleave,
    percentile,
    ratio,
)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.99, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 0.9, 90.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
        ([1.0, 2.0, 3.0], 0.0, 1.0),
    ],
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() -> None:
    own, bare = [10.0, 40.0, 90.0], [100.0, 100.0, 100.0]
    assert ratio(own, bare) == pytest.approx(0.4)
    # A slow machine in one round slows both.
    assert ratio([10.0, 5.0, 10.0], [20.0, 10.0, 40.0]) == pytest.approx(0.5)


def test_rounds_in_which_one_of_two_failed_count_for_neither() -> None:
    assert ratio([10.0, None, 30.0], [10.0, 10.0, None]) == 1.0
    assert difference([10.0, None, 30.0], [4.0, 10.0, None]) == 6.0
    assert ratio([None], [1.0]) is None
    assert difference([], []) is None


def test_a_candidate_that_fails_is_told_and_does_not_end_the_others() -> None:
    asked: list[str] = []

    def once(name: str) -> int:
        asked.append(name)
        if name == "bad":
            raise RuntimeError("no port\nsecond line")
        if name == "absent":
            raise Missing("npm not installed")
        return len(asked)

    outcomes = interleave(["good", "bad", "absent"], 4, once)
    assert len(outcomes["good"].good) == 4
    assert outcomes["good"].note == ""
    assert outcomes["bad"].note == "failed in 2 of 2 rounds: no port"
    assert outcomes["absent"].note == "skipped: npm not installed"
    assert (asked.count("bad"), asked.count("absent")) == (GIVE_UP_AFTER, 1)
    assert asked[:3] == ["good", "bad", "absent"]


def test_results_of_rounds_keep_their_place_when_one_failed() -> None:
    numbers = iter([1, 2, 3])

    def once(name: str) -> int:
        number = next(numbers)
        if number == 2:
            raise RuntimeError("once")
        return number

    (outcome,) = interleave(["a"], 3, once).values()
    assert outcome.results == [1, None, 3]
    assert outcome.note == "failed in 1 of 3 rounds: once"


def test_budgets_are_met_or_missed_or_not_measured() -> None:
    at_most, at_least = Budget("ready s", 1.0), Budget("x bare", 0.45, at_least=True)
    assert finished({"what": "a", "ready s": 1.0, "x bare": 0.5}, at_most, at_least)["budget"] == (
        "ready s ≤ 1: met; x bare ≥ 0.45: met"
    )
    assert finished({"what": "a", "ready s": 1.01, "x bare": 0.44}, at_most, at_least)[
        "budget"
    ] == ("ready s ≤ 1: missed; x bare ≥ 0.45: missed")
    assert finished({"what": "a"}, at_most) == {"what": "a"}
