"""`funcemu invocations`: what functions did lately."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from emulator.cli.options import chosen_options
from emulator.cli.writing import palette, write_json, write_table
from emulator.config.options import resolve_options
from emulator.console.render import Palette, duration
from emulator.errors import EmulatorError
from emulator.sdk import harmless
from emulator.state.journal import Entry, read_journal

_SHORT = 8


@click.command()
@click.argument("call_id", metavar="[ID]", required=False)
@click.argument("path", required=False)
@click.option("--last", "-n", default=20, show_default=True, help="How many calls to list.")
@click.option("--function", "-f", "function", help="Only calls of this function.")
@click.option("--failed", is_flag=True, help="Only calls that failed.")
@chosen_options("state_dir", "output")
def invocations(
    call_id: str | None, last: int, function: str | None, failed: bool, **given: Any
) -> None:
    """List the last calls of the app's functions, the newest first.

    Calls made by a call, such as skills, stand below it. With ID, or the beginning of one, a call
    is shown in full: its error, its log lines, and what its bindings did. Secrets are masked. The
    last 1,000 calls are remembered, of hosts that were not started with --ephemeral.

    PATH is the folder of the app (default: this one); it may stand alone.
    """
    if call_id is not None and given["path"] is None and Path(call_id).is_dir():
        call_id, given["path"] = None, call_id
    options = resolve_options(given, os.environ, Path.cwd())
    entries = asyncio.run(read_journal(options.state_folder))
    paint = palette(options.output)
    if call_id is not None:
        entry = _find(entries, call_id)
        children = [each for each in reversed(entries) if each.parent == entry.id]
        if options.output == "json":
            write_json(_json(entry, children))
        else:
            click.echo(harmless("\n".join(_in_full(entry, children, paint))))
        return
    chosen = [
        each
        for each in entries
        if (function is None or each.function.lower() == function.lower())
        and (not failed or each.error is not None)
    ]
    nested = function is None and not failed
    rows = list(_nested(chosen, last)) if nested else [(0, each) for each in chosen[:last]]
    if options.output == "json":
        write_json([_json(each) for _, each in rows])
    elif rows:
        _list(rows, paint)
    else:
        click.echo("No call is remembered.")


def _nested(entries: Sequence[Entry], last: int) -> Iterator[tuple[int, Entry]]:
    """Return calls with how deep they are nested: the newest first, what each made below it."""
    known = {each.id for each in entries}
    children: dict[str, list[Entry]] = {}
    for each in reversed(entries):
        if each.parent in known:
            children.setdefault(str(each.parent), []).append(each)

    def below(entry: Entry, depth: int) -> Iterator[tuple[int, Entry]]:
        yield depth, entry
        for child in children.get(entry.id, ()):
            yield from below(child, depth + 1)

    tops = [each for each in entries if each.parent not in known]
    for top in tops[:last]:
        yield from below(top, 0)


def _find(entries: Sequence[Entry], call_id: str) -> Entry:
    wanted = call_id.lower()
    found = [each for each in entries if each.id.lower().startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise EmulatorError(
            f"No call is remembered whose ID begins with '{call_id}'.",
            hint="`funcemu invocations` lists the last ones.",
            code="invocation-unknown",
        )
    raise EmulatorError(
        f"{len(found)} calls have an ID that begins with '{call_id}'.",
        hint=f"Give more of it: {', '.join(each.id[:13] for each in found[:5])} …",
        code="invocation-unknown",
    )


def _list(rows: Iterable[tuple[int, Entry]], paint: Palette) -> None:
    cells = []
    for depth, each in rows:
        name = f"{'  ' * depth}{'↳ ' if depth else ''}{each.function}"
        outcome = "ok" if each.error is None else "failed"
        told = each.detail if each.error is None else str(each.error.get("message", ""))
        cells.append(
            (each.id[:_SHORT], _time(each), duration(each.duration), outcome, name, _brief(told))
        )
    write_table(cells, paint, styles=("dim", "dim", "", "", "yellow", "dim"))


def _in_full(entry: Entry, children: Sequence[Entry], paint: Palette) -> Iterator[str]:
    outcome = "succeeded" if entry.error is None else "failed"
    colour = "green" if entry.error is None else "red"
    took = duration(entry.duration)
    yield f"{paint(entry.function, 'yellow')} {paint(outcome, colour)} in {took}"
    yield f"  id       {entry.id}"
    yield f"  started  {_moment(entry).isoformat(sep=' ', timespec='milliseconds')}"
    if entry.reason:
        yield f"  reason   {entry.reason}"
    if entry.detail:
        yield f"  detail   {entry.detail}"
    if entry.parent:
        yield f"  parent   {entry.parent}"
    for child in children:
        label = "ok" if child.error is None else "failed"
        yield f"  called   {child.function} {child.detail} ({label}, {child.id[:_SHORT]})"
    if entry.error is not None:
        yield ""
        yield paint(f"{entry.error.get('type')}: {entry.error.get('message')}", "red")
        yield from str(entry.error.get("stack") or "").rstrip().splitlines()
    if entry.lines:
        yield ""
        yield from (f"{each.level}: {each.message}" for each in entry.lines)
    for deed in entry.activities:
        yield ""
        yield f"{deed.source}: {deed.name}"
        yield from (f"  {name}: {value}" for name, value in deed.data.items())


def _json(entry: Entry, children: Sequence[Entry] | None = None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": entry.id,
        "function": entry.function,
        "parent": entry.parent,
        "reason": entry.reason,
        "detail": entry.detail,
        "started": _moment(entry).isoformat(timespec="milliseconds"),
        "duration": round(entry.duration, 6),
        "outcome": "succeeded" if entry.error is None else "failed",
        "error": entry.error,
        "log": [each._asdict() for each in entry.lines],
        "activities": [each._asdict() for each in entry.activities],
    }
    if children is not None:
        shown["calls"] = [_json(each) for each in children]
    return shown


def _moment(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.started).astimezone()


def _time(entry: Entry) -> str:
    moment = _moment(entry)
    today = moment.date() == datetime.now(moment.tzinfo).date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
