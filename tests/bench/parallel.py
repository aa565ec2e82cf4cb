"""Many assistants at once: every one gets its posts one after the other, all of them together."""

from __future__ import annotations

from tests.bench.figures import Row, Settings, finished, interleave
from tests.bench.turns import Hosts, Turns, figures

TITLE = "assistants spoken to at once, 10 posts each"
LANES = (1, 10, 100)
POSTS = 10
CHATS = 60
"""At least; with more lanes as many as lanes. New ones each time, so that chats stay short."""


def measure(settings: Settings) -> list[Row]:
    with Hosts() as hosts:

        def once(name: str) -> Turns:
            kind, _, lanes = name.partition(", ")
            return hosts.turns(kind, max(CHATS, int(lanes)), lanes=int(lanes), posts=POSTS)

        names = [f"{kind}, {lanes}" for kind in ("offline", "live") for lanes in LANES]
        interleave(names[::3], 1, once)
        outcomes = interleave(names, settings.rounds, once)
    rows: list[Row] = []
    for name, own in outcomes.items():
        row: Row = {"what": name}
        if own.good:
            row |= figures(own.good)
        rows.append(finished(row, note=own.note))
    return rows
