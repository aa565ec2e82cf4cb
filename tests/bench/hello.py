"""Hello under 32 connections: both channels, sync and async, both loops, beside what people know.

Each round starts every candidate afresh, warms it up, and then measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.candidates import Candidate, hello_candidates
from tests.bench.figures import Budget, Outcomes, Row, Settings, finished, interleave, middle, ratio
from tests.bench.load import Load, press
from tests.bench.server import Server

TITLE = "hello, 32 connections"
CONNECTIONS = 32
WARM_UP = 1.0

BUDGETS = {
    "in process, async": (Budget("x bare", 0.45, at_least=True), Budget("p99 ms", 45)),
    "subprocess, async": (Budget("x bare", 0.30, at_least=True), Budget("p99 ms", 45)),
    "in process, sync": (Budget("x bare", 0.07, at_least=True), Budget("p99 ms", 45)),
    "subprocess, sync": (Budget("x bare", 0.07, at_least=True), Budget("p99 ms", 45)),
}


@dataclass(frozen=True)
class Run:
    load: Load
    host_cpu: float
    """Microseconds a request."""
    worker_cpu: float
    memory: tuple[float, float]


def measure(settings: Settings) -> list[Row]:
    candidates = hello_candidates()

    def once(name: str) -> Run:
        candidate = candidates[name]
        with candidate.start() as server:
            server.first_answer(candidate.path)
            return pressed(server, candidate.path, settings.seconds)

    outcomes = interleave(list(candidates), settings.rounds, once)
    return [_row(name, candidates[name], outcomes) for name in candidates]


def pressed(server: Server, path: str, seconds: float, connections: int = CONNECTIONS) -> Run:
    """Warm the server up, then measure it."""
    url = server.url + path
    press(url, connections=connections, seconds=WARM_UP)
    host, workers = server.cpu()
    load = press(url, connections=connections, seconds=seconds)
    host_after, workers_after = server.cpu()
    calls = max(load.requests, 1)
    return Run(
        load,
        (host_after - host) / calls * 1e6,
        (workers_after - workers) / calls * 1e6,
        server.memory(),
    )


def figures(runs: list[Run]) -> Row:
    """Return the columns that every measurement under load has."""
    return {
        "req/s": middle([run.load.rate for run in runs]),
        "p50 ms": middle([run.load.p50 for run in runs]),
        "p99 ms": middle([run.load.p99 for run in runs]),
        "host CPU us/req": middle([run.host_cpu for run in runs]),
        "worker CPU us/req": middle([run.worker_cpu for run in runs]),
        "host MB": middle([run.memory[0] for run in runs]),
        "workers MB": middle([run.memory[1] for run in runs]),
        "errors": float(sum(run.load.errors for run in runs)),
    }


def rates(outcome: Outcomes[Run]) -> list[float | None]:
    return [run.load.rate if run else None for run in outcome.results]


def _row(name: str, candidate: Candidate, outcomes: dict[str, Outcomes[Run]]) -> Row:
    own = outcomes[name]
    row: Row = {"what": name}
    if own.good:
        row |= figures(own.good)
        yardstick = outcomes.get(candidate.yardstick)
        found = ratio(rates(own), rates(yardstick)) if yardstick else None
        if found is not None:
            row["x bare"] = found
    return finished(row, *BUDGETS.get(name, ()), note=own.note)
