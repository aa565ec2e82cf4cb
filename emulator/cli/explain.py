"""`funcemu explain`: what the code of a problem or an error means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.resources import files
from typing import NamedTuple

import click

from emulator.cli.options import chosen_options
from emulator.cli.writing import palette, write_json, write_table
from emulator.config.suggest import did_you_mean
from emulator.errors import EmulatorError

GROUP = "emulator.codes"
"""Entry points of this group name packages; each has a file `codes.md` of the form of ours."""

FILE = "codes.md"


class Code(NamedTuple):
    """One entry of a catalogue."""

    code: str
    title: str
    meaning: str
    remedy: str


@click.command()
@click.argument("code", required=False)
@chosen_options("output")
def explain(code: str | None, output: str | None) -> None:
    """Tell what CODE means and what to do about it.

    A code stands in brackets behind each problem, such as [route-conflict]. Without CODE all of
    them are listed.
    """
    known = catalogue()
    shown = output or "auto"
    if code is None:
        if shown == "json":
            write_json([each._asdict() for each in known.values()])
        else:
            rows = [(each.code, each.title) for each in known.values()]
            write_table(rows, palette(shown), styles=("yellow", ""))
        return
    entry = known.get(code.strip("[] ").lower())
    if entry is None:
        raise EmulatorError(
            f"There is no code '{code}'.",
            hint=did_you_mean(code, known) or "`funcemu explain` lists them all.",
        )
    if shown == "json":
        write_json(entry._asdict())
        return
    paint = palette(shown)
    click.echo(f"{paint(entry.title, 'bold')} {paint(f'[{entry.code}]', 'dim')}")
    click.echo(entry.meaning)
    click.echo(f"{paint('→', 'dim')} {entry.remedy}")


def catalogue() -> Mapping[str, Code]:
    """Return every code of every installed package, sorted."""
    found: dict[str, Code] = {}
    for point in entry_points(group=GROUP):
        try:
            text = files(point.value).joinpath(FILE).read_text("utf-8")
        except (OSError, ImportError):  # a broken package takes away its own codes only
            continue
        found |= {each.code: each for each in read_catalogue(text)}
    return dict(sorted(found.items()))


def read_catalogue(text: str) -> list[Code]:
    """Read `## code`, then a line with the title, one with the meaning, and one behind `→`."""
    entries = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        code, title, meaning, remedy = (line.strip() for line in part.strip().splitlines())
        entries.append(Code(code, title, meaning, remedy.removeprefix("→").strip()))
    return entries
