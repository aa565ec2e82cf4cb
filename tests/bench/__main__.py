"""Measurements, never assertions: `make bench`, or `make bench ARGS="hello --rounds 5"`."""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from tests.bench import readme, soak
from tests.bench.figures import Row, Settings, said
from tests.bench.machine import describe
from tests.bench.server import ROOT
from tests.bench.table import show

SECTIONS = (
    "hello",
    "assistant",
    "binding",
    "start",
    "reload",
    "plugin",
    "chats",
    "parallel",
    "processes",
    "memory",
)
"""Modules of this package, in the order they are measured."""

RESULTS = ROOT / "bench-results.json"


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _end)
    if arguments.readme:
        return readme.rewrite(arguments.json or RESULTS)
    try:
        if "soak" in arguments.what:
            return soak.run(minutes=arguments.minutes)
        return _measure(arguments)
    except KeyboardInterrupt:
        print("\nstopped")
        return 130


def _measure(arguments: argparse.Namespace) -> int:
    names = arguments.what or list(SECTIONS)
    # What was measured in part does not replace what was measured in full.
    partly = ROOT / f"bench-results-{'-'.join(names)}.json" if arguments.what else RESULTS
    file: Path = arguments.json or partly
    settings = Settings(arguments.rounds, arguments.seconds)
    machine = describe()
    print(_line(machine))
    sections: dict[str, Any] = {}
    began = time.monotonic()
    for name in names:
        sections[name] = _section(name, settings)
        report = {"machine": machine, "settings": vars(settings), "sections": sections}
        file.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    missed = [
        f"  {name}, {row['what']}: {row['budget']}"
        for name, section in sections.items()
        for row in section["rows"]
        if "missed" in str(row.get("budget", ""))
    ]
    print("\n" + ("\n".join(["missed:", *missed]) if missed else "no budget is missed"))
    print(f"{time.monotonic() - began:.0f} s in all; figures: {file}")
    return 0


def _section(name: str, settings: Settings) -> dict[str, Any]:
    print(f"\n{name} …", flush=True)
    began = time.monotonic()
    module = importlib.import_module(f"tests.bench.{name}")
    rows: list[Row]
    try:
        rows = module.measure(settings)
    except Exception as error:  # one that fails does not end the others
        rows = [{"what": name, "note": f"failed: {said(error)}"}]
    took = time.monotonic() - began
    show(module.TITLE, rows)
    print(f"({took:.0f} s)", flush=True)
    return {"title": module.TITLE, "seconds": round(took, 1), "rows": rows}


def _line(machine: dict[str, Any]) -> str:
    parts = [f"{machine['cores']} x {machine['cpu']}", f"{machine['memory GB']} GB"]
    parts += [f"Python {machine['python']}", f"Node {machine['node'] or '(none)'}"]
    parts += [f"load {machine['load before']}", f"load generator: {machine['load generator']}"]
    return ", ".join([*parts, machine["pinned"]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        choices=[*SECTIONS, "soak", []],
        metavar="what",
        help=f"any of {', '.join(SECTIONS)} (default: all), or soak",
    )
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a run (default 2)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak (default 10)")
    parser.add_argument("--json", type=Path, help="where the figures go, or come from")
    parser.add_argument(
        "--readme", action="store_true", help="rewrite the table of the README from the figures"
    )
    return parser


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # so that what was started is stopped


if __name__ == "__main__":
    sys.exit(main())
