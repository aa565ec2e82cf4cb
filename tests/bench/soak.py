"""Apps of every kind at half of their peak load, saved every few seconds: what is left behind."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import proc
from tests.bench.client import Report, finish, launch
from tests.bench.figures import Row, percentile, said
from tests.bench.machine import describe
from tests.bench.server import ROOT, Server
from tests.bench.soakapps import App, apps
from tests.bench.table import show

RESULTS = ROOT / "bench-results-soak.json"
PEAK = 5.0
"""Seconds for which each app's peak is measured, all at once; and before that, a warm-up."""

SAVE_EVERY = 5.0
SETTLED = 3.0


def run(*, minutes: float) -> int:
    machine = describe()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        known, without = apps(Path(scratch))
        if without:
            print(f"no JavaScript app: {without}")
        served: dict[str, tuple[App, Server]] = {}
        for app in known:
            try:
                served[app.name] = app, stack.enter_context(app.start())
            except RuntimeError as error:
                print(f"{app.name}: left out, {said(error)}")
        _press(served, 2.0, first=0)
        peaks = {name: report.rate for name, report in _press(served, PEAK, 100_000).items()}
        print("peak: " + ", ".join(f"{name} {rate:,.0f}/s" for name, rate in peaks.items()))
        samples = _sample(served, "start")
        reports = _press(served, minutes * 60, 200_000, peaks=peaks, samples=samples)
        time.sleep(SETTLED)
        samples += _sample(served, "end")
    rows = [_row(app, reports[name], peaks[name]) for name, (app, _) in served.items()]
    show("processes over time", samples)
    print()
    show("requests, at half of the peak", rows)
    failures = {name: report.failures for name, report in reports.items() if report.failed}
    for name, kinds in failures.items():
        print(f"{name}: {kinds}")
    result: dict[str, Any] = {"machine": machine, "minutes": minutes}
    result |= {"samples": samples, "requests": rows, "failures": failures}
    result |= {"by minute": {name: report.minutes for name, report in reports.items()}}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    bad = bool(failures) or any(app.lost for app, _ in served.values()) or not served
    print(f"\n{'FAILED' if bad else 'good'}: {time.monotonic() - began:.0f} s; figures: {RESULTS}")
    return 1 if bad else 0


def _press(
    served: dict[str, tuple[App, Server]],
    seconds: float,
    first: int,
    *,
    peaks: dict[str, float] | None = None,
    samples: list[Row] | None = None,
) -> dict[str, Report]:
    """Call all apps at the same time; with peaks at half of them, and with saves."""
    clients = {}
    for name, (app, server) in served.items():
        rate = peaks[name] / 2 if peaks else None
        clients[name] = launch(app.plan(server, seconds=seconds, first=first, rate=rate))
    try:
        if samples is not None:
            _save(served, seconds, samples)
        return {name: finish(client) for name, client in clients.items()}
    finally:
        for client in clients.values():
            client.kill()
            client.wait()


def _save(served: dict[str, tuple[App, Server]], seconds: float, samples: list[Row]) -> None:
    began = time.monotonic()
    every = 60.0 if seconds > 90 else 15.0
    sampled = every
    turn = 0
    while (now := time.monotonic() - began) < seconds - SAVE_EVERY:
        if now >= sampled:
            samples += _sample(served, f"{sampled / 60:g} min")
            sampled += every
        for app, server in served.values():
            app.save(server.port)
        turn += 1
        time.sleep(max(0.0, began + turn * SAVE_EVERY - time.monotonic()))


def _sample(served: dict[str, tuple[App, Server]], when: str) -> list[Row]:
    rows: list[Row] = []
    for name, (_, server) in served.items():
        host, *workers = proc.tree(server.process.pid)
        rows.append(
            {
                "what": f"{name}, {when}",
                "host MB": proc.rss(host),
                "host descriptors": float(proc.descriptors(host)),
                "host threads": float(proc.threads(host)),
                "children": float(len(workers)),
                "workers MB": sum(map(proc.rss, workers)),
                "workers descriptors": float(sum(map(proc.descriptors, workers))),
                "workers threads": float(sum(map(proc.threads, workers))),
            }
        )
    return rows


def _row(app: App, report: Report, peak: float) -> Row:
    row: Row = {
        "what": app.name,
        "peak/s": peak,
        "requests/s": report.rate,
        "requests": float(report.requests),
        "failed": float(report.failed),
        "p50 ms": report.p50,
        "p99 ms": report.p99,
        "max ms": report.max,
        "saves": float(app.saves),
        "saves lost": float(app.lost),
    }
    if app.served:
        row |= {"served after ms": percentile(app.served, 0.5), "max": max(app.served)}
    return row
