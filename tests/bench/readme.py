"""The table of the README, made from the figures of a whole run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.figures import Row
from tests.bench.server import ROOT
from tests.bench.table import cell

README = ROOT / "README.md"
BEGIN = "<!-- measured: python -m tests.bench --readme -->"
END = "<!-- /measured -->"


@dataclass(frozen=True)
class Line:
    """One line of the table: `here` and `beside` are a row and what to say of it, in braces."""

    text: str
    section: str
    here: tuple[str, str]
    beside: tuple[str, str] = ("", "")


_RATE = "{req/s}/s, {x bare} of bare"
_BARE = "{req/s}/s {what}"
LINES = (
    Line("hello, in process", "hello", ("in process, async", _RATE), ("bare aiohttp", _BARE)),
    Line(
        "hello, in a worker process (as `funcemu start` does)",
        "hello",
        ("subprocess, async, uvloop", _RATE),
        ("bare aiohttp, uvloop", _BARE),
    ),
    Line(
        "the same, a function without `async`",
        "hello",
        ("subprocess, sync, uvloop", _RATE),
        ("functions-framework, sync", _BARE),
    ),
    Line("hello in JavaScript", "hello", ("JavaScript", _RATE), ("bare Node http", _BARE)),
    Line(
        "a call, one after the other", "assistant", ("a function without bindings", "{p50 ms} ms")
    ),
    Line("a turn with an assistant, offline", "assistant", ("post, offline", "{p50 ms} ms")),
    Line(
        "the same with a model service that answers at once",
        "assistant",
        ("post, live", "{p50 ms} ms"),
        ("bare AsyncOpenAI, the same messages", "{p50 ms} ms by the bare `AsyncOpenAI`"),
    ),
    Line("a turn in a chat of 2,000 messages", "chats", ("offline, 2,000 messages", "{p50 ms} ms")),
    Line(
        "100 assistants at once, offline",
        "parallel",
        ("offline, 100", "{posts/s}/s, p99 {p99 ms} ms"),
    ),
    Line(
        "start to the first answer",
        "start",
        ("HTTP-only app", "{answered s} s"),
        ("functions-framework", "{answered s} s {what}"),
    ),
    Line("the same, an app with assistants", "start", ("assistant app, offline", "{answered s} s")),
    Line(
        "save to the changed answer",
        "reload",
        ("assistant app, an edit every 0.3 s", "{median ms} ms, {failed} failed requests"),
        ("uvicorn --reload, an app of one line", "{median ms} ms `uvicorn --reload`"),
    ),
    Line("the same in JavaScript", "reload", ("JavaScript app, every 0.3 s", "{median ms} ms")),
    Line(
        "set-up of a test, the first and the others",
        "plugin",
        ("100 of an HTTP app", "{first set-up ms} ms, {set-up ms} ms"),
    ),
    Line(
        "memory of host and worker after 10,000 calls",
        "memory",
        ("HTTP-only app", "{after calls MB} MB"),
        ("HTTP-only app", "{spare MB} MB a spare worker, for the next save"),
    ),
    Line(
        "the same in JavaScript",
        "memory",
        ("JavaScript app", "{after calls MB} MB"),
        ("JavaScript app", "{spare MB} MB a spare worker, for the next save"),
    ),
    Line("CPU of a host that waits and watches", "memory", ("HTTP-only app", "{idle CPU %} %")),
)


def rewrite(figures: Path) -> int:
    """Put the table between the two marks of the README; tell what was not measured."""
    try:
        report = json.loads(figures.read_text("utf-8"))
    except FileNotFoundError:
        print(f"{figures} is not there: run `make bench` first")
        return 1
    text = README.read_text("utf-8")
    if BEGIN not in text or END not in text:
        print(f"{README} lacks the marks {BEGIN} and {END}")
        return 1
    table, left_out = render(report)
    head, tail = text.partition(BEGIN)[0], text.partition(END)[2]
    README.write_text(f"{head}{BEGIN}\n{table}{END}{tail}", "utf-8")
    for each in left_out:
        print(f"left out, not measured: {each}")
    return 0


def render(report: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the table, and the lines that could not be filled."""
    lines = ["| What | Here | Beside it |", "|---|---|---|"]
    left_out = []
    for line in LINES:
        section = report["sections"].get(line.section, {"rows": []})
        rows = {row["what"]: row for row in section["rows"]}
        here = _fill(rows.get(line.here[0]), line.here[1])
        if here:
            beside = _fill(rows.get(line.beside[0]), line.beside[1])
            lines.append(f"| {line.text} | {here} | {beside} |")
        else:
            left_out.append(line.text)
    return "\n".join([*lines, "", *_where(report), ""]), left_out


def _fill(row: Row | None, wanted: str) -> str:
    """Replace each column in braces; nothing when the row lacks one."""
    if row is None:
        return ""
    for column in wanted.split("{")[1:]:
        name = column.partition("}")[0]
        if name not in row:
            return ""
        wanted = wanted.replace(f"{{{name}}}", cell(row[name]))
    return wanted


def _where(report: dict[str, Any]) -> list[str]:
    machine, rounds = report["machine"], report["settings"]["rounds"]
    versions = machine["libraries"]
    parts = [
        f"{machine['cores']} cores ({machine['cpu']})",
        f"{machine['memory GB']} GB",
        machine["system"],
        f"Python {machine['python']}",
        *([f"Node {machine['node']}"] if machine["node"] else []),
        *(f"{name} {versions[name]}" for name in ("aiohttp", "uvicorn") if name in versions),
    ]
    return [
        f"Measured {machine['date'][:10]} on {', '.join(parts)}.",
        f"Load by {machine['load generator']}, which shares the cores. Medians of {rounds}",
        "interleaved rounds; a ratio is the median of the ratios of each round.",
    ]
