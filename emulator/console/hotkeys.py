"""What single keys do while an app is served in a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from emulator.console.console import Console

Action = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class HotKey:
    """`label` is for the hint, `help` for the list; `others` are keys that do the same.

    Only those for `any_time` do something before the app is served.
    """

    key: str
    label: str
    help: str
    action: Action
    others: str = ""
    any_time: bool = False


class HotKeys:
    """Does what a key stands for; an action that takes time is not begun twice at once."""

    def __init__(self, console: Console, keys: Sequence[HotKey]) -> None:
        self._console = console
        self._keys = [
            *keys,
            HotKey("h", "help", "Show this list.", self._show_list, others="?"),
            HotKey("Enter", "", "Leave an empty line.", self._leave_a_line, others="\r\n"),
        ]
        self._running: dict[str, asyncio.Task[None]] = {}
        self.ready = False
        """Whether the app is served, or what keeps it from being served was told."""

    @property
    def hint(self) -> str:
        """One line that says which keys there are."""
        shown = " · ".join(f"{each.key} {each.label}" for each in self._keys if each.label)
        return self._console.paint(f"Keys: {shown}", "dim")

    def pressed(self, key: str) -> None:
        """Do it; keys that mean nothing are ignored."""
        found = next((each for each in self._keys if key in (each.key, *each.others)), None)
        if found is None or found.key in self._running:
            return
        if not (self.ready or found.any_time):
            return
        doing = found.action()
        if doing is not None:
            task = asyncio.ensure_future(_whole(doing))
            self._running[found.key] = task
            task.add_done_callback(lambda _: self._running.pop(found.key))

    async def aclose(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _show_list(self) -> None:
        paint = self._console.paint
        width = max(len(each.key) for each in self._keys)
        lines = [f"  {paint(each.key.ljust(width), 'bold')}  {each.help}" for each in self._keys]
        self._console.write(["", *lines, ""])

    def _leave_a_line(self) -> None:
        self._console.write([""])


async def _whole(doing: Awaitable[None]) -> None:
    await doing
