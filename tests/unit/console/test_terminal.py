"""Who gets colours."""

from __future__ import annotations

import io

import pytest

from emulator.console.terminal import is_terminal, wants_colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("output", "terminal", "environ", "colours"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", True, {"FORCE_COLOR": "0"}, False),
        ("auto", True, {"FORCE_COLOR": "", "TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("pretty", False, {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("plain", True, {"FORCE_COLOR": "1"}, False),
        ("json", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_the_option_wins_over_variables_over_the_terminal(
    output: str, terminal: bool, environ: dict[str, str], colours: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert wants_colour(output, stream, environ) is colours


def test_a_closed_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert not is_terminal(stream)
