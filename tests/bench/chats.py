"""What the length of a chat does to a turn: offline, live, and by the bare client."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.client import Plan
from tests.bench.figures import Budget, Row, Settings, difference, finished, interleave, ratio
from tests.bench.turns import HELLO, Hosts, Turns, figures, fill, measured

TITLE = "a turn in a long chat"
LENGTHS = (20, 200, 2000)
POSTS = 10
"""In a round, each to a chat of its own; a turn makes its chat longer."""

KINDS = ("offline", "live", "bare AsyncOpenAI")


def measure(settings: Settings) -> list[Row]:
    rounds = settings.rounds
    with tempfile.TemporaryDirectory() as scratch:
        chats = [
            (f"{kind}{length}-{number}", length)
            for kind in KINDS[:2]
            for length in LENGTHS
            for number in range((rounds + 1) * POSTS)
        ]
        state = Path(scratch)
        fill(state, chats)
        with Hosts(state) as hosts:
            done: dict[str, int] = {}

            def once(name: str) -> Turns:
                kind, _, text = name.partition(", ")
                length = int(text.split()[0].replace(",", ""))
                if kind.startswith("bare"):
                    return hosts.bare("openai", length, POSTS)
                first = done.get(name, 0)
                done[name] = first + POSTS
                path = f"/api/assistants/{kind}{length}-{{n}}?message={HELLO}"
                server = hosts.get(kind)
                return measured(
                    server,
                    Plan(server.port, [[("POST", path, True)]], count=POSTS, first=first),
                )

            names = [f"{kind}, {length:,} messages" for kind in KINDS for length in LENGTHS]
            interleave(names, 1, once)  # what is done once in a process is done
            outcomes = interleave(names, rounds, once)
    rows: list[Row] = []
    for name, own in outcomes.items():
        kind, _, text = name.partition(", ")
        row: Row = {"what": name}
        if own.good:
            row |= figures(own.good)
            times = [each.p50 if each else None for each in own.results]
            short = outcomes[f"{kind}, {LENGTHS[0]} messages"]
            bare = outcomes[f"{KINDS[2]}, {text}"]
            grown = ratio(times, [each.p50 if each else None for each in short.results])
            row |= {"x short": grown} if grown is not None else {}
            if kind == "live":
                added = difference(times, [each.p50 if each else None for each in bare.results])
                row |= {"added ms": added} if added is not None else {}
        rows.append(finished(row, Budget("added ms", 3), note=own.note))
    return rows
