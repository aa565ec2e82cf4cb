from __future__ import annotations

import io
import logging
from typing import Any

import pytest

from emulator.workers.pyworker.logs import (
    LONGEST_LINE,
    Call,
    Capture,
    UserStream,
    level_name,
    read_line,
    running,
)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (60, "Critical"),
        (logging.CRITICAL, "Critical"),
        (logging.ERROR, "Error"),
        (35, "Warning"),
        (logging.INFO, "Information"),
        (logging.DEBUG, "Debug"),
        (5, "Trace"),
    ],
)
def test_levels_are_the_hosts(number: int, name: str) -> None:
    assert level_name(number) == name


@pytest.mark.parametrize(
    ("source", "text", "told"),
    [
        ("stdout", "error on stdout", ("Information", "stdout", "error on stdout")),
        ("stdout", "line\r", ("Information", "stdout", "line")),
        ("stderr", "plain", ("Information", "stderr", "plain")),
        ("stderr", "DeprecationWarning: x", ("Warning", "stderr", "DeprecationWarning: x")),
        ("stderr", "It FAILED", ("Error", "stderr", "It FAILED")),
        ("stderr", "Unhandled exception", ("Error", "stderr", "Unhandled exception")),
        ("stderr", "SEVERE", ("Error", "stderr", "SEVERE")),
        ("stdout", "LanguageWorkerConsoleLog told", ("Information", "worker", "told")),
        ("stderr", "languageworkerconsolelogtold", ("Information", "worker", "told")),
    ],
)
def test_a_line_has_a_level(source: str, text: str, told: tuple[str, str, str]) -> None:
    assert read_line(source, text) == told


class Heard:
    def __init__(self, *, exclusive: bool = True) -> None:
        self.headers: list[dict[str, Any]] = []
        self.capture = Capture(self.headers.append, exclusive=exclusive)
        self.pipe = io.TextIOWrapper(io.BytesIO())
        self.stream = UserStream(self.pipe, "stdout", self.capture)
        self.capture.streams.append(self.stream)

    @property
    def lines(self) -> list[tuple[str | None, str]]:
        return [(each["id"], each["message"]) for each in self.headers]


def test_lines_are_put_together_per_call() -> None:
    heard = Heard()
    for call_id, text in (("a", "1"), ("b", "2"), ("a", "1\n\n"), ("b", "2")):
        token = running.set(Call(call_id, heard.capture))
        heard.stream.write(text)
        running.reset(token)
    heard.capture.finish("b")
    heard.capture.finish("b")
    assert heard.lines == [("a", "11"), ("a", ""), ("b", "22")]


def test_the_stream_is_like_a_text_file_over_the_pipe() -> None:
    heard = Heard()
    stream = heard.stream
    assert (stream.encoding, stream.isatty(), stream.writable()) == ("utf-8", False, True)
    assert (stream.name, stream.errors) == ("<stdout>", "backslashreplace")
    assert stream.buffer is heard.pipe.buffer
    assert stream.write("é") == 1
    stream.reconfigure(line_buffering=True)
    stream.flush()
    with pytest.raises(TypeError, match="must be str, not bytes"):
        stream.write(b"x")  # type: ignore[arg-type]


def test_a_thread_may_say_which_call_it_belongs_to() -> None:
    heard = Heard(exclusive=False)
    assert heard.capture.call_id() == (False, None)
    heard.capture.local.invocation_id = "mine"
    assert heard.capture.call_id() == (True, "mine")


def test_calls_of_another_app_are_not_ours() -> None:
    heard, other = Heard(exclusive=False), Heard(exclusive=False)
    token = running.set(Call("x", other.capture))
    assert heard.capture.call_id() == (False, None)
    assert other.capture.call_id() == (True, "x")
    running.reset(token)


def test_a_record_that_cannot_be_formatted_is_told_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    heard = Heard()
    heard.capture.handler.handle(logging.LogRecord("x", logging.INFO, "f", 1, "%d", ("no",), None))
    assert heard.lines == []
    assert "Logging error" in capsys.readouterr().err


def test_a_line_written_letter_by_letter_is_told_in_pieces_once_it_is_too_long() -> None:
    heard = Heard()
    for _ in range(5):
        heard.stream.write("x" * (LONGEST_LINE // 4))
    assert [len(text) for _, text in heard.lines] == [LONGEST_LINE]
    heard.stream.write("y\nz")
    heard.capture.finish(None)
    assert [len(text) for _, text in heard.lines] == [LONGEST_LINE, LONGEST_LINE // 4 + 1, 1]


def test_a_long_message_is_told_in_pieces_and_an_empty_one_all_the_same() -> None:
    heard = Heard()
    heard.capture.line("stdout", "x" * (LONGEST_LINE + 1), "1")
    heard.capture.line("stdout", "", "1")
    assert [(who, len(text)) for who, text in heard.lines] == [
        ("1", LONGEST_LINE),
        ("1", 1),
        ("1", 0),
    ]
