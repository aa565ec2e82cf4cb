"""Cold start: spawn to the line that says ready, and to the first good answer; and the stop."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from tests.bench.candidates import AIOHTTP, Candidate, framework, hello_candidates, javascript
from tests.bench.candidates import HELLO as HELLO_APP
from tests.bench.figures import (
    Budget,
    Row,
    Settings,
    finished,
    interleave,
    middle,
    percentile,
    ratio,
)
from tests.bench.server import funcemu

TITLE = "cold start, as people type it"

BUDGETS = (Budget("ready s", 1.0), Budget("stop s", 0.5))


@dataclass(frozen=True)
class Start:
    ready: float
    answered: float
    stop: float
    memory: tuple[float, float]


def measure(settings: Settings) -> list[Row]:
    with tempfile.TemporaryDirectory() as state:
        chats = "/api/assistants/a1?timestampUTC=2023-01-01T00:00:00Z"
        candidates = {
            AIOHTTP: hello_candidates()[AIOHTTP],
            "functions-framework": framework("hello"),
            "HTTP-only app": Candidate(funcemu(HELLO_APP, "--state-dir", state)),
            "assistant app, offline": Candidate(
                funcemu("fixtures/assistant", "--state-dir", state), chats
            ),
            "JavaScript app": javascript("--watch"),
        }

        def once(name: str) -> Start:
            server = candidates[name].start()
            try:
                answered = server.first_answer(candidates[name].path)
                memory = server.memory()
            finally:
                stop = server.stop()
            return Start(server.ready, answered, stop, memory)

        outcomes = interleave(list(candidates), settings.rounds * 2, once)
    rows: list[Row] = []
    for name, own in outcomes.items():
        row: Row = {"what": name}
        if own.good:
            answers = [each.answered if each else None for each in own.results]
            bare = [each.answered if each else None for each in outcomes[AIOHTTP].results]
            row |= {
                "ready s": middle([each.ready for each in own.good]),
                "answered s": middle([each.answered for each in own.good]),
                "p90 s": percentile([each.answered for each in own.good], 0.9),
                "x bare": ratio(answers, bare) or 0.0,
                "stop s": middle([each.stop for each in own.good]),
                "host MB": middle([each.memory[0] for each in own.good]),
                "workers MB": middle([each.memory[1] for each in own.good]),
            }
        ours = "app" in name
        rows.append(finished(row, *(BUDGETS if ours else ()), note=own.note))
    return rows
