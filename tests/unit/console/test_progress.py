"""What takes long is told, on a terminal in a line that goes away again."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from emulator.clock import ManualClock
from emulator.console.console import Console
from emulator.console.progress import Progress
from emulator.events import EventBus, GenerationBegun, GenerationFailed, GenerationReady
from emulator.model import AppModel
from tests.support.patience import PATIENCE

READY = GenerationReady(1, AppModel(Path("/app"), ()), (), 0.5)
ERASE = "\r\x1b[2K"


class Told:
    def __init__(self, *, live: bool, waiting: str = "", after: float = 0.01) -> None:
        self.stream = io.StringIO()
        self.console = Console(
            clock=ManualClock(), colour=False, verbose=False, stream=self.stream, live=live
        )
        self.events = EventBus()
        self.progress = Progress(self.console, waiting=waiting, after=after)
        self.progress.attach(self.events)

    @property
    def text(self) -> str:
        self.console.flush()
        return self.stream.getvalue()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self.text:  # noqa: ASYNC110 - a timer of the console writes
                await asyncio.sleep(0.002)


async def test_in_a_pipe_a_slow_import_is_one_line() -> None:
    told = Told(live=False)
    told.events.publish(GenerationBegun(1))
    await told.until("Importing the app …\n")
    await asyncio.sleep(0.05)
    told.events.publish(READY)
    assert told.text.count("Importing") == 1
    assert "\x1b" not in told.text


async def test_on_a_terminal_the_seconds_are_counted_and_the_line_goes_away() -> None:
    told = Told(live=True)
    told.events.publish(GenerationBegun(1))
    await told.until(f"Importing the app …{ERASE}Importing the app … 0 s")
    told.console.write(["a line"])
    assert f"{ERASE}a line\nImporting the app … 0 s" in told.text
    told.events.publish(READY)
    assert told.text.endswith(ERASE)


@pytest.mark.parametrize("end", [READY, GenerationFailed(1, ())])
async def test_what_is_quick_is_not_told(end: GenerationReady | GenerationFailed) -> None:
    told = Told(live=True)
    told.events.publish(GenerationBegun(1))
    told.events.publish(end)
    await asyncio.sleep(0.03)
    assert told.text == ""


async def test_a_reload_that_is_abandoned_begins_its_second_anew() -> None:
    clock = asyncio.get_running_loop().time
    for _ in range(50):  # until the machine does not stand still for as long
        told = Told(live=False, after=0.2)
        times = [clock()]
        told.events.publish(GenerationBegun(2))
        await asyncio.sleep(0.12)
        times.append(clock())
        told.events.publish(GenerationBegun(3))
        await asyncio.sleep(0.12)
        text = told.text
        times.append(clock())
        if times[1] - times[0] < 0.2 and times[2] - times[1] < 0.2:
            break
    assert text == ""
    await told.until("Importing the app again …")
    told.progress.over()


async def test_waiting_for_somebody_is_told_at_once_and_for_the_first_load_only() -> None:
    told = Told(live=True, waiting="Waiting …")
    told.events.publish(GenerationBegun(1))
    assert told.text == "Waiting …"
    told.events.publish(READY)
    assert told.text == f"Waiting …{ERASE}"
    told.events.publish(GenerationBegun(2))
    told.events.publish(READY)
    assert told.text == f"Waiting …{ERASE}"
