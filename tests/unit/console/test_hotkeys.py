"""What keys do, and what they do not."""

from __future__ import annotations

import asyncio
import io

from emulator.clock import ManualClock
from emulator.console.console import Console
from emulator.console.hotkeys import HotKey, HotKeys
from tests.support.patience import PATIENCE


class Pressed:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.console = Console(clock=ManualClock(), colour=False, verbose=False, stream=self.stream)
        self.done: list[str] = []
        self.go_on = asyncio.Event()
        self.keys = HotKeys(
            self.console,
            [
                HotKey("r", "reload", "Reload.", self._slow),
                HotKey("f", "functions", "List.", lambda: self.done.append("f")),
                HotKey("q", "quit", "Stop.", lambda: self.done.append("q"), any_time=True),
            ],
        )

    async def _slow(self) -> None:
        self.done.append("r")
        await self.go_on.wait()

    @property
    def text(self) -> str:
        self.console.flush()
        return self.stream.getvalue()


async def test_before_the_app_is_served_it_can_only_be_stopped() -> None:
    pressed = Pressed()
    for key in "rfhq":
        pressed.keys.pressed(key)
    assert pressed.done == ["q"]
    assert pressed.text == ""


async def test_an_action_that_takes_time_is_not_begun_twice_at_once() -> None:
    pressed = Pressed()
    pressed.keys.ready = True
    for key in "rrfr":
        pressed.keys.pressed(key)
    await asyncio.sleep(0)
    assert pressed.done == ["f", "r"]
    pressed.go_on.set()
    for _ in range(3):
        await asyncio.sleep(0)
    pressed.keys.pressed("r")
    await asyncio.sleep(0)
    assert pressed.done == ["f", "r", "r"]
    await pressed.keys.aclose()


async def test_closing_ends_what_is_under_way() -> None:
    pressed = Pressed()
    pressed.keys.ready = True
    pressed.keys.pressed("r")
    await asyncio.wait_for(pressed.keys.aclose(), PATIENCE)


async def test_the_list_names_every_key() -> None:
    pressed = Pressed()
    pressed.keys.ready = True
    assert pressed.keys.hint == "Keys: r reload · f functions · q quit · h help"
    pressed.keys.pressed("?")
    assert pressed.text.splitlines() == [
        "",
        "  r      Reload.",
        "  f      List.",
        "  q      Stop.",
        "  h      Show this list.",
        "  Enter  Leave an empty line.",
        "",
    ]
    pressed.keys.pressed("\r")
    assert pressed.text.endswith("\n\n\n")


async def test_other_keys_mean_nothing() -> None:
    pressed = Pressed()
    pressed.keys.ready = True
    for key in "xé\x04 ":
        pressed.keys.pressed(key)
    assert (pressed.done, pressed.text) == ([], "")
