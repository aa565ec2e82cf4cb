"""Keys from a terminal: what was typed, and how the terminal is left."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from emulator.console.keyboard import keyboard, typed


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        ("r", "r"),
        ("rr", "rr"),
        ("\r", "\r"),
        ("é", "é"),
        ("\x1b[A", ""),
        ("\x1bOQ", ""),
        ("\x1b[1;5Cq", "q"),
        ("\x1b[200~x\x1b[201~", "x"),
        ("\x1b", ""),
        ("\x1bq", ""),
        ("curl http://localhost:7071/api/queue", ""),
        ("", ""),
    ],
)
def test_arrow_keys_and_what_was_pasted_are_no_keys(data: str, keys: str) -> None:
    assert typed(data) == keys


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of this kind")
class TestTerminal:
    """On a terminal of our own: another program's would be changed."""

    @pytest.fixture
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> object:
        controller, terminal = os.openpty()
        # It is not the terminal this process belongs to, so nobody has a foreground in it.
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
        yield controller, terminal
        os.close(controller)
        os.close(terminal)

    async def test_keys_come_one_by_one_and_the_terminal_is_left_as_it_was(
        self, terminal: tuple[int, int]
    ) -> None:
        import termios

        from emulator.console.keyboard import PosixKeyboard

        controller, descriptor = terminal
        before = termios.tcgetattr(descriptor)
        keys: asyncio.Queue[str] = asyncio.Queue()
        reading = PosixKeyboard(keys.put_nowait, descriptor)
        reading.start()
        lflag = termios.tcgetattr(descriptor)[3]
        assert not lflag & (termios.ICANON | termios.ECHO)
        assert lflag & termios.ISIG
        os.write(controller, b"rq")
        assert [await keys.get(), await keys.get()] == ["r", "q"]
        reading.stop()
        reading.stop()
        assert termios.tcgetattr(descriptor) == before

    async def test_a_terminal_of_another_program_is_not_touched(
        self, terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import termios

        from emulator.console.keyboard import PosixKeyboard

        monkeypatch.setattr(os, "tcgetpgrp", lambda _: 1)
        before = termios.tcgetattr(terminal[1])
        reading = PosixKeyboard(lambda _: None, terminal[1])
        reading.start()
        assert termios.tcgetattr(terminal[1]) == before
        reading.stop()

    async def test_a_terminal_that_is_closed_ends_the_reading(self) -> None:
        from emulator.console.keyboard import PosixKeyboard

        nothing, write = os.pipe()
        os.close(write)
        reading = PosixKeyboard(lambda _: None, nothing)
        reading.start()  # no terminal at all
        reading.stop()
        os.close(nothing)


async def test_there_is_a_keyboard_for_this_system() -> None:
    keyboard(lambda _: None).stop()
