"""Compiles an app again when its sources change, for as long as the host runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.events import EventBus, Level, LogLine, ProblemFound
from emulator.runtime.building import (
    BuildPlan,
    Contents,
    build,
    build_environment,
    compile_problem,
)
from emulator.workers.child import ChildProcess
from emulator.workers.guard import Guard
from emulator.workers.loops import in_loop, through_loop

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
            for problem in await asyncio.to_thread(build, self.plan, self._environment):
                self._events.publish(ProblemFound(problem))
        return frozenset(self._contents.differing(paths - sources))

    async def aclose(self) -> None:
        if self._watching is None:
            return
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self, command: tuple[str, ...]) -> None:
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            child = ChildProcess(
                command, folder=self.plan.root, environment=build_environment(self._environment)
            )
        except OSError as error:
            self._tell_end(f"cannot be started ({error.strerror or error})")
            return
        guard = Guard(child.pid)
        loop = ended.get_loop()
        child.listen(through_loop(loop, self._said), in_loop(loop, ended.set_result))
        try:
            await asyncio.wait([ended])
        finally:
            child.kill()
            await ended
            guard.release()
        self._tell_end(f"ended with exit code {ended.result()}")

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
