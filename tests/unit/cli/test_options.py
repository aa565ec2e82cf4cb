"""The command line of the host: what stands beside an option, and what belongs to it."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.cli.start import start


@pytest.mark.parametrize(
    ("arguments", "path", "debug"),
    [
        (["--debug"], None, "on"),
        (["--debug", "app"], "app", "on"),
        (["--debug", "9000", "app"], "app", "9000"),
        (["app", "--debug=9000"], "app", "9000"),
        (["--debug", "--verbose", "app"], "app", "on"),
        (["--verbose", "app"], "app", None),
        (["--", "--debug"], "--debug", None),
    ],
)
def test_a_debug_port_may_be_left_out(
    arguments: list[str], path: str | None, debug: str | None
) -> None:
    given = parsed(*arguments)
    assert (given["path"], given["debug"]) == (path, debug)


def test_functions_go_up_to_the_next_option() -> None:
    given = parsed("--functions", "a", "b", "--debug", "app")
    assert (given["functions"], given["path"]) == (("a", "b"), "app")


DEBUGPY = "-m debugpy --listen 127.0.0.1:5678"


@pytest.mark.parametrize(
    ("arguments", "path", "given"),
    [
        (["--language-worker", "--", DEBUGPY], None, DEBUGPY),
        (["app", "--language-worker", "--", DEBUGPY, "--verbose"], "app", DEBUGPY),
        (["--language-worker", DEBUGPY, "app"], "app", DEBUGPY),
        ([f"--language-worker={DEBUGPY}", "--", "app"], "app", DEBUGPY),
        (["--", "--language-worker"], "--language-worker", ""),
    ],
)
def test_arguments_of_a_worker_may_stand_behind_two_dashes(
    arguments: list[str], path: str | None, given: str
) -> None:
    found = parsed(*arguments)
    assert (found["path"], found["language_worker"] or "") == (path, given)


def parsed(*arguments: str) -> dict[str, Any]:
    return start.make_context("start", list(arguments)).params
