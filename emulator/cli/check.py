"""`funcemu check`: what is wrong with an app, and what would be on Azure."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from emulator.assemble import Engine, Starter
from emulator.cli.options import VariadicCommand, chosen_options
from emulator.config.options import Options, resolve_options
from emulator.console.console import Console
from emulator.console.records import plain
from emulator.console.render import Palette, problem_lines, verdict
from emulator.console.terminal import wants_colour
from emulator.errors import EmulatorError
from emulator.events import LogLine
from emulator.model import Problem, Severity
from emulator.runtime.launch import AppUnusable

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


@click.command(cls=VariadicCommand, short_help="Tell what is wrong with an app, here and on Azure.")
@click.argument("path", required=False)
@chosen_options("python", "functions", "models", "output", "channel", "route_precedence")
def check(**given: Any) -> None:
    """Load the app in PATH (default: this folder) as a host would, and tell what was found.

    Nothing is served, and nothing is left behind. Beside mistakes, it tells what this host accepts
    although Azure would refuse it or do otherwise. The exit code is 1 when there is an error or
    such a difference, else 0; warnings alone do not count, nor do settings that have a placeholder
    still, for what Azure has in their place cannot be seen from here.
    """
    options = replace(
        resolve_options(given, os.environ, Path.cwd()), watch=False, ephemeral=True, strict=False
    )
    result = asyncio.run(checked(options, os.environ))
    if options.output == "json":
        print(json.dumps(result.record(), ensure_ascii=False))
    else:
        paint = Palette(colour=wants_colour(options.output, sys.stdout, os.environ))
        print("\n".join(result.lines(paint)))
    sys.exit(0 if result.good else 1)


@dataclass(frozen=True, slots=True)
class Checked:
    """An app that was looked at, and all that was found."""

    app: Path
    functions: Sequence[str]
    problems: Sequence[Problem]

    @property
    def good(self) -> bool:
        return not any(problem.is_finding for problem in self.problems)

    def lines(self, paint: Palette) -> Iterable[str]:
        for problem in self.problems:
            yield from problem_lines(problem, paint, azure=True)
        count = len(self.functions)
        functions = f"{count} function{'' if count == 1 else 's'}"
        if not self.problems:
            yield paint(f"{functions}: nothing to mend, here or on Azure.", "green")
            return
        yield paint(f"{functions}: {verdict(self.problems)}", "yellow" if self.good else "red")
        yield self._why()

    def _why(self) -> str:
        """Say what the exit code is for."""
        errors = sum(each.severity is Severity.ERROR for each in self.problems)
        others = sum(each.is_finding for each in self.problems) - errors
        reasons = []
        if errors:
            reasons.append("one error" if errors == 1 else f"{errors} errors")
        if others:
            things = "one thing is" if others == 1 else f"{others} things are"
            reasons.append(f"{things} otherwise on Azure")
        if not reasons:
            only = any(each.to_fill_in for each in self.problems)
            told = "settings are to be filled in" if only else "warnings alone do not count"
            return f"Exit code 0: {told}."
        return f"Exit code 1: {' and '.join(reasons)}."

    def record(self) -> Mapping[str, Any]:
        return {
            "event": "checked",
            "app": str(self.app),
            "good": self.good,
            "functions": list(self.functions),
            "problems": [plain(problem) for problem in self.problems],
        }


async def checked(options: Options, environ: Mapping[str, str]) -> Checked:
    """Load an app, and give it up again."""
    functions: list[str] = []
    try:
        functions, problems = await _loaded(options, environ)
    except EmulatorError as error:
        problems = (Problem(error.code, error.message, where=error.where, hint=error.hint),)
    # A notice that says nothing about Azure is no finding.
    told = [each for each in problems if each.azure or each.severity is not Severity.INFO]
    told.sort(key=lambda problem: _ORDER.index(problem.severity))
    return Checked(options.path, functions, told)


async def _loaded(
    options: Options, environ: Mapping[str, str]
) -> tuple[list[str], tuple[Problem, ...]]:
    """Return the functions of the app and everything that was found; end the worker again."""
    starter = Starter(options, environ=environ)
    configuration = starter.configure()
    starter.port = starter.options.port
    try:
        launch = starter.spawn(configuration)
    except AppUnusable:
        return [], configuration.problems
    engine = Engine(starter, listens=False)
    # What the app's code says while it is imported is no part of the answer.
    console = Console(clock=engine.clock, colour=False, verbose=False, stream=sys.stderr)
    console.configure(configuration)
    engine.events.on(LogLine, console.log)
    try:
        await engine.start(launch)
        generation = engine.host.current
        if generation is None:
            return [], engine.host.failure
        return [each.model.name for each in generation.functions.values()], generation.problems
    finally:
        await engine.aclose()
        console.flush()
