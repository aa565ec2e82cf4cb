"""What commands print: tables and JSON on stdout, in colour when somebody looks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from emulator.console.render import Palette
from emulator.console.terminal import wants_colour
from emulator.sdk import harmless, harmless_json


def palette(output: str) -> Palette:
    """Return the colours for stdout: `pretty` always uses them, `auto` on a terminal only."""
    return Palette(colour=wants_colour(output, sys.stdout, os.environ))


def write_json(value: Any) -> None:
    click.echo(harmless_json(json.dumps(value, ensure_ascii=False, indent=2, default=str)))


def write_table(rows: Iterable[Sequence[str]], paint: Palette, *, styles: Sequence[str]) -> None:
    """Print rows in columns as wide as they need; `styles` colours each column."""
    texts = [[harmless(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = [
            paint(cell, *style.split()) + " " * (width - len(cell))
            for cell, width, style in zip(row, widths, styles, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
