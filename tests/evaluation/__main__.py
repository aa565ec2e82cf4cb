"""Print how the offline model does; failures one by one, except those of the held-out half."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

from tests.evaluation.judge import Verdict, judge, score
from tests.evaluation.table import APPS, phrasings, tools


def main() -> int:
    judged = {app: asyncio.run(judge(phrasings(app), tools(app))) for app in APPS}
    for verdicts in judged.values():
        for verdict in verdicts:
            if not verdict.phrasing.is_held_out:
                _print_failure(verdict)
    print(f"{'':20} phrasings    right skill  right arguments    false calls")
    everything = [each for verdicts in judged.values() for each in verdicts]
    for name, verdicts in {**judged, "all": everything}.items():
        tuned = [each for each in verdicts if not each.phrasing.is_held_out]
        held_out = [each for each in verdicts if each.phrasing.is_held_out]
        _print_score(f"{name}, tuned on", tuned)
        _print_score(f"{name}, held out", held_out)
        _print_score(name, verdicts)
    return 0


def _print_failure(verdict: Verdict) -> None:
    if verdict.right_skill and verdict.right_arguments:
        return
    kind = "false" if verdict.false_call else "arguments" if verdict.right_skill else "missed"
    wanted = ", ".join(_call(each.skill, dict(each.arguments)) for each in verdict.phrasing.calls)
    called = ", ".join(_call(name, dict(arguments)) for name, arguments in verdict.called)
    print(f"{kind}: {verdict.phrasing.say}")
    print(f"    wanted {wanted or 'no call'}")
    print(f"    called {called or 'nothing'}")


def _call(name: str, arguments: object) -> str:
    return f"{name} {json.dumps(arguments, ensure_ascii=False)}"


def _print_score(name: str, verdicts: Sequence[Verdict]) -> None:
    all_of = score(verdicts)
    print(
        f"{name:20} {all_of.asked:9}"
        f" {all_of.right_skill:6} {all_of.right_share:7.1%}"
        f" {all_of.right_arguments:4}/{all_of.with_calls:<3} {all_of.arguments_share:7.1%}"
        f" {all_of.false_calls:6} {all_of.false_share:7.1%}"
    )


if __name__ == "__main__":
    sys.exit(main())
