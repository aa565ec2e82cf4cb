"""The offline model must go on understanding people this well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.judge import Verdict, judge, score
from tests.evaluation.table import APPS, phrasings, tools

RIGHT_SKILL = 0.85
RIGHT_ARGUMENTS = 0.85
FALSE_CALLS = 0.05


async def _verdicts() -> dict[str, list[Verdict]]:
    return {app: await judge(phrasings(app), tools(app)) for app in APPS}


async def test_the_right_skills_are_called_with_what_was_said_and_hardly_ever_a_wrong_one() -> None:
    judged = await _verdicts()
    all_of = score([each for verdicts in judged.values() for each in verdicts])
    assert all_of.asked >= 180
    assert all_of.right_share >= RIGHT_SKILL
    assert all_of.arguments_share >= RIGHT_ARGUMENTS
    assert all_of.false_share <= FALSE_CALLS


@pytest.mark.parametrize("app", APPS)
async def test_words_nobody_looked_at_are_understood_as_well(app: str) -> None:
    verdicts = (await _verdicts())[app]
    held_out = score([each for each in verdicts if each.phrasing.is_held_out])
    assert held_out.right_share >= RIGHT_SKILL
    assert held_out.false_share <= FALSE_CALLS


@pytest.mark.parametrize("app", APPS)
def test_about_half_of_a_table_is_held_out(app: str) -> None:
    table = phrasings(app)
    assert len({each.say for each in table}) > 0.95 * len(table)
    assert 0.35 < sum(each.is_held_out for each in table) / len(table) < 0.65


def test_every_process_comes_to_the_same_answers() -> None:
    root = Path(__file__).parents[2]
    printed = {
        subprocess.run(
            [sys.executable, "-m", "tests.evaluation"],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
