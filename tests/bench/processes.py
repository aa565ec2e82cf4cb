"""One worker process and two: a function that needs a core, and one that does nothing."""

from __future__ import annotations

from tests.bench.candidates import APPS
from tests.bench.figures import Row, Settings, finished, interleave, ratio
from tests.bench.hello import Run, figures, pressed, rates
from tests.bench.server import Server, funcemu

TITLE = "FUNCTIONS_WORKER_PROCESS_COUNT"
COUNTS = (1, 2)
CONNECTIONS = 16


def measure(settings: Settings) -> list[Row]:
    names = [
        f"{work}, {count} process{'es' if count > 1 else ''}"
        for work in ("burn", "hello")
        for count in COUNTS
    ]

    def once(name: str) -> Run:
        work, count = name.split(", ")
        command = funcemu(APPS / "burn", "--no-watch", "--ephemeral")
        env = {"FUNCTIONS_WORKER_PROCESS_COUNT": count.split()[0]}
        with Server(command, env=env) as server:
            server.first_answer("/api/hello")
            return pressed(server, f"/api/{work}", settings.seconds, CONNECTIONS)

    outcomes = interleave(names, settings.rounds, once)
    rows: list[Row] = []
    for name, own in outcomes.items():
        row: Row = {"what": name}
        if own.good:
            row |= figures(own.good)
            one = outcomes[f"{name.split(', ')[0]}, 1 process"]
            found = ratio(rates(own), rates(one))
            row |= {"x one process": found} if found is not None else {}
        rows.append(finished(row, note=own.note))
    return rows
