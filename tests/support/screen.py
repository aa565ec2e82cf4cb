"""A terminal with a person at it: a shell in tmux, keys, and what is on the screen."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.support.processes import children_of
from tests.support.serving import FUNCEMU, environment

TMUX = shutil.which("tmux")


class Screen:
    """One terminal, 100 columns wide."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self.url = ""

    async def tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        process = await asyncio.create_subprocess_exec(
            TMUX, "-f", os.devnull, "-S", self._socket, *arguments,
            stdout=asyncio.subprocess.PIPE,
            env=environment({"TERM": "xterm-256color", "SHELL": "/bin/sh"}),
        )  # fmt: skip
        output, _ = await process.communicate()
        return output.decode()

    async def press(self, *keys: str) -> None:
        await self.tmux("send-keys", "-t", "t", *keys)

    async def type(self, line: str) -> None:
        """Type a line and press Enter."""
        await self.tmux("send-keys", "-t", "t", "-l", line)
        await self.press("Enter")

    async def text(self, *, colours: bool = False) -> str:
        """Return what can be seen and what was scrolled away; lines are not wrapped."""
        escapes = ["-e"] if colours else []
        return await self.tmux("capture-pane", "-p", "-J", *escapes, "-S", "-1000", "-t", "t")

    async def until(self, text: str, *, within: float = PATIENCE) -> str:
        """Wait until the screen shows `text`; return all of it."""
        seen = ""
        try:
            async with asyncio.timeout(within):
                while text not in seen:
                    await asyncio.sleep(0.02)
                    seen = await self.text()
        except TimeoutError:
            raise AssertionError(f"{text!r} is not on the screen:\n{seen}") from None
        return seen

    async def until_prompt(self, *, within: float = PATIENCE) -> str:
        """Wait until the shell asks for the next command."""
        async with asyncio.timeout(within):
            while not (seen := (await self.text()).rstrip()).endswith("$"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return seen

    async def processes(self) -> list[int]:
        """Return what runs below the shell, other than the shell."""
        shell = int((await self.tmux("display-message", "-p", "-t", "t", "#{pane_pid}")).strip())
        return _below(shell)


def _below(pid: int) -> list[int]:
    return [each for child in children_of(pid) for each in (child, *_below(child))]


@asynccontextmanager
async def screen(folder: Path) -> AsyncIterator[Screen]:
    """Open a terminal with a shell in `folder`."""
    terminal = Screen(str(folder / "tmux"))
    await terminal.tmux("new-session", "-d", "-s", "t", "-x", "100", "-y", "50", "-c", str(folder),
                        "exec bash --norc --noprofile")  # fmt: skip
    try:
        await terminal.type("PS1='$ '; clear")
        yield terminal
    finally:
        left = await terminal.processes()
        await terminal.tmux("kill-server")
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@asynccontextmanager
async def serving_screen(folder: Path, app: Path, *arguments: str) -> AsyncIterator[Screen]:
    """Open a terminal in which an app is served."""
    async with screen(folder) as terminal:
        command = [str(FUNCEMU), "start", str(app), "--port", "0", "--ephemeral", *arguments]
        await terminal.type(shlex.join(command))
        seen = await terminal.until("Keys: ")
        found = re.search(r"http://localhost:\d+", seen)
        terminal.url = found.group() if found else ""
        yield terminal
