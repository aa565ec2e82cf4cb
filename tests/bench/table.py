"""Rows of figures as a table on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from tests.bench.figures import Row

_LAST = ("budget", "note")


def show(title: str, rows: list[Row]) -> None:
    if not rows:
        return
    columns = columns_of(rows)
    heads = {"what": title}
    cells = [[cell(row.get(column, "")) for column in columns] for row in rows]
    names = [heads.get(column, column) for column in columns]
    widths = [max(len(n), *(len(row[i]) for row in cells)) for i, n in enumerate(names)]
    print("  ".join(name.ljust(width) for name, width in zip(names, widths, strict=True)).rstrip())
    for row in cells:
        line = "  ".join(
            text.ljust(width) if columns[i] in ("what", *_LAST) else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        print(line.rstrip())


def columns_of(rows: Iterable[Row]) -> list[str]:
    """Return every column of the rows in the order they come, verdicts and notes last."""
    seen = dict.fromkeys(column for row in rows for column in row)
    return [*(c for c in seen if c not in _LAST), *(c for c in _LAST if c in seen)]


def cell(value: str | float) -> str:
    if isinstance(value, str):
        return value
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
