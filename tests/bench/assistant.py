"""A turn with an assistant over HTTP, offline and live, beside bare calls of the same model."""

from __future__ import annotations

from tests.bench.client import Plan
from tests.bench.figures import Budget, Row, Settings, difference, finished, interleave
from tests.bench.turns import HELLO, SKILL, Hosts, Turns, figures, measured

TITLE = "a turn with a new assistant, one after the other"
POSTS = 100
BARE = "bare AsyncOpenAI, the same messages"
BARE_AZURE = "bare AsyncAzureOpenAI, the same messages"
LIVE = "post, live"
CALL = "a function without bindings"
BUDGETS = {LIVE: Budget("added ms", 3), CALL: Budget("p50 ms", 3)}


def measure(settings: Settings) -> list[Row]:
    with Hosts() as hosts:

        def once(name: str) -> Turns:
            match name:
                case "post, offline":
                    return hosts.turns("offline", POSTS, message=HELLO)
                case "post, offline, the model calls a skill":
                    return hosts.turns("offline", POSTS, message=SKILL)
                case "post, live":
                    return hosts.turns("live", POSTS)
                case "a function without bindings":
                    server = hosts.get("hello")
                    return measured(
                        server, Plan(server.port, [[("GET", "/api/hello", True)]], count=POSTS)
                    )
            return hosts.bare("azure" if name == BARE_AZURE else "openai", 2, POSTS)

        names = ["post, offline", "post, offline, the model calls a skill", LIVE]
        names += [BARE, BARE_AZURE, CALL]
        for name in names:  # the first calls of a process import things
            try:
                once(name)
            except Exception:  # the rounds tell
                pass
        outcomes = interleave(names, settings.rounds, once)
    rows: list[Row] = []
    for name, own in outcomes.items():
        row: Row = {"what": name}
        if own.good:
            row |= figures(own.good)
        if name == LIVE:
            added = difference(
                [each.p50 if each else None for each in own.results],
                [each.p50 if each else None for each in outcomes[BARE].results],
            )
            row |= {"added ms": added} if added is not None else {}
        budgets = [BUDGETS[name]] if name in BUDGETS else []
        rows.append(finished(row, *budgets, note=own.note))
    return rows
