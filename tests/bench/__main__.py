"""Measurements, never assertions: `make bench ARGS="throughput start post"`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import openai_overhead, plugin, post, reload, start, throughput
from tests.bench.table import Row, show

ROWS = {
    "start": start.measure,
    "throughput": throughput.measure,
    "post": post.measure,
    "reload": reload.measure,
    "openai": openai_overhead.measure,
    "plugin": plugin.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help=f"any of: {', '.join(ROWS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one run (default 3)")
    parser.add_argument("--json", default="bench-results.json", help="where the figures go")
    arguments = parser.parse_args()
    for name in arguments.what:
        if name not in ROWS:
            parser.error(f"'{name}' is not one of: {', '.join(ROWS)}")
    report: dict[str, list[Row]] = {}
    for name in arguments.what or ROWS:
        began = time.monotonic()
        print(f"\n{name} …", flush=True)
        report[name] = ROWS[name](rounds=arguments.rounds, seconds=arguments.seconds)
        show(report[name])
        print(f"({time.monotonic() - began:.0f} s)")
    machine = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
    }
    Path(arguments.json).write_text(json.dumps({"machine": machine, **report}, indent=2), "utf-8")
    print(f"\nfigures: {arguments.json}")


if __name__ == "__main__":
    main()
