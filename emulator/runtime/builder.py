"""Compiles an app again when its sources change, for as long as the host runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.events import EventBus, Level, LogLine, ProblemFound
from emulator.model import Problem
from emulator.runtime.building import (
    PATIENCE,
    BuildPlan,
    Contents,
    build_environment,
    build_failed,
    build_problems,
    compile_problem,
    took_too_long,
)
from emulator.workers.child import ChildProcess
from emulator.workers.loops import in_loop, through_loop
from emulator.workers.output import OnLines

_CATEGORY = "Build"
_ESCAPES = re.compile(r"\x1b(?:c|\[[0-9;]*[A-Za-z])")
_SAYS_ERROR = re.compile(r"(?<!\b0 )\berrors?\b", re.IGNORECASE)


class Builder:
    """What is compiled is reported by the watcher like any other file; sources are not loaded."""

    def __init__(self, plan: BuildPlan, environment: Mapping[str, str], events: EventBus) -> None:
        self.plan = plan
        self._environment = environment
        self._events = events
        self._contents = Contents(plan)
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let the app's own `watch` script look after its sources, if it has one."""
        if self.plan.watch is not None:
            self._watching = asyncio.create_task(self._watch(self.plan.watch))

    async def sift(self, paths: frozenset[Path]) -> frozenset[Path]:
        """Compile what calls for it; return the changes that call for a reload."""
        sources = frozenset(path for path in paths if self.plan.is_source(path))
        if sources and (self._watching is None or self._watching.done()):
            for problem in await self._build():
                self._events.publish(ProblemFound(problem))
        return frozenset(self._contents.differing(paths - sources))

    async def aclose(self) -> None:
        if self._watching is None:
            return
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)

    async def _build(self) -> list[Problem]:
        """As `build`, beside everything else; the end of the host need not wait for it."""
        lines: list[str] = []
        try:
            async with asyncio.timeout(PATIENCE):
                code = await self._run(self.plan.command, lambda _, more: lines.extend(more))
        except TimeoutError:
            return [took_too_long(self.plan)]
        except OSError as error:
            return [build_failed(self.plan, error.strerror or str(error))]
        return build_problems(self.plan, code, "\n".join(lines))

    async def _watch(self, command: tuple[str, ...]) -> None:
        try:
            code = await self._run(command, self._said, listens=True)
        except OSError as error:
            self._tell_end(f"cannot be started ({error.strerror or error})")
            return
        self._tell_end(f"ended with exit code {code}")

    async def _run(self, command: tuple[str, ...], said: OnLines, *, listens: bool = False) -> int:
        """Run a command to its end, or until nobody waits for it; return its exit code.

        One that `listens` ends with its standard input, as some compilers that watch files do.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()
        child = ChildProcess(
            command, folder=self.plan.root, environment=build_environment(self._environment)
        )
        child.listen(through_loop(loop, said), in_loop(loop, ended.set_result))
        if not listens:
            child.close_stdin()
        try:
            await asyncio.wait([ended])
        finally:
            child.kill()
            await ended
        return ended.result()

    def _tell_end(self, what: str) -> None:
        self._events.publish(
            LogLine(
                "Warning",
                f"The watch script of package.json {what}; {self.plan.shown} is run on each change "
                "instead.",
                _CATEGORY,
            )
        )

    def _said(self, source: str, lines: Sequence[str]) -> None:
        for line in (_ESCAPES.sub("", each).strip() for each in lines):
            problem = compile_problem(line)
            if problem is not None:
                self._events.publish(ProblemFound(problem))
            elif line:
                level: Level = "Error" if _SAYS_ERROR.search(line) else "Debug"
                self._events.publish(LogLine(level, line, _CATEGORY))
