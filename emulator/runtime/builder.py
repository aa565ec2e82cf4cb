"""Compiles an app again when its sources change, for as long as the host runs."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from emulator.events import EventBus, LogLine, ProblemFound
from emulator.runtime.building import (
    BuildPlan,
    Contents,
    build,
    build_environment,
    compile_problem,
)
from emulator.workers import guard
from emulator.workers.groups import own_group

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
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            guard.__file__,
            *command,
            cwd=self.plan.root,
            env=build_environment(self._environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
            **own_group(),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self._said(_ESCAPES.sub("", line.decode("utf-8", "replace")).strip())
            code = await process.wait()
        finally:
            process.stdin.close()  # by which the guard ends all of it
            await process.wait()
        self._events.publish(
            LogLine(
                "Warning",
                f"The watch script of package.json ended with exit code {code}; {self.plan.shown} "
                "is run on each change instead.",
                _CATEGORY,
            )
        )

    def _said(self, line: str) -> None:
        problem = compile_problem(line)
        if problem is not None:
            self._events.publish(ProblemFound(problem))
        elif line:
            said = LogLine("Error" if _SAYS_ERROR.search(line) else "Debug", line, _CATEGORY)
            self._events.publish(said)
