"""The arithmetic of measurements: medians, percentiles, ratios of rounds, budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Generic, TypeVar

Row = dict[str, str | float]
"""One line of a table; `what` is its first column, `note` and `budget` are its last."""

T = TypeVar("T")


class Missing(Exception):
    """What a candidate needs is not installed."""


@dataclass(frozen=True)
class Settings:
    """How long to measure."""

    rounds: int = 5
    seconds: float = 2.0


@dataclass(frozen=True)
class Budget:
    """What a column must be at most, or at least."""

    column: str
    limit: float
    at_least: bool = False

    def verdict(self, row: Row) -> str:
        """Say what is wanted, and whether it is met; nothing when it was not measured."""
        value = row.get(self.column)
        if not isinstance(value, float | int):
            return ""
        met = value >= self.limit if self.at_least else value <= self.limit
        sign = "≥" if self.at_least else "≤"
        return f"{self.column} {sign} {self.limit:g}: {'met' if met else 'missed'}"


@dataclass
class Outcomes(Generic[T]):
    """What the rounds of one candidate gave; a round that failed has `None`."""

    results: list[T | None] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    missing: str = ""

    @property
    def good(self) -> list[T]:
        return [each for each in self.results if each is not None]

    @property
    def note(self) -> str:
        if self.missing:
            return f"skipped: {self.missing}"
        if not self.errors:
            return ""
        return f"failed in {len(self.errors)} of {len(self.results)} rounds: {self.errors[0]}"


GIVE_UP_AFTER = 2
"""Failures of a candidate; then it is left alone."""


def interleave(
    names: Sequence[str], rounds: int, once: Callable[[str], T]
) -> dict[str, Outcomes[T]]:
    """Measure each candidate once a round, in turn, so that all see the same bad moments.

    One that fails does not end the others.
    """
    outcomes: dict[str, Outcomes[T]] = {name: Outcomes() for name in names}
    for _ in range(rounds):
        for name, outcome in outcomes.items():
            if outcome.missing or len(outcome.errors) >= GIVE_UP_AFTER:
                continue
            try:
                outcome.results.append(once(name))
            except Missing as error:
                outcome.missing = said(error)
            except Exception as error:  # noqa: BLE001,RUF100 - candidates are foreign programs
                outcome.results.append(None)
                outcome.errors.append(said(error))
    return outcomes


def said(error: BaseException) -> str:
    """Return the first line of what went wrong."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]


def middle(values: Sequence[float]) -> float:
    return median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * share) - 1)]


def ratio(own: Sequence[float | None], yardstick: Sequence[float | None]) -> float | None:
    """Return the median of the ratios round by round; `None` when no round had both."""
    ratios = [a / b for a, b in zip(own, yardstick, strict=False) if a is not None and b]
    return median(ratios) if ratios else None


def difference(own: Sequence[float | None], yardstick: Sequence[float | None]) -> float | None:
    """Return the median of the differences round by round."""
    pairs = zip(own, yardstick, strict=False)
    differences = [a - b for a, b in pairs if a is not None and b is not None]
    return median(differences) if differences else None


def finished(row: Row, *budgets: Budget, note: str = "") -> Row:
    """Return the row with its verdicts and its note."""
    verdicts = "; ".join(filter(None, (budget.verdict(row) for budget in budgets)))
    return row | ({"budget": verdicts} if verdicts else {}) | ({"note": note} if note else {})
