"""`funcemu doctor`: whether this machine and this app are ready, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import click

from emulator.assemble import Engine, Starter
from emulator.cli import checks
from emulator.cli.headless import options_of
from emulator.cli.options import chosen_options
from emulator.cli.writing import palette, write_json
from emulator.config.settings import ENVIRONMENT
from emulator.console.render import Palette
from emulator.errors import EmulatorError
from emulator.model import Problem, Severity
from emulator.runtime.launch import AppUnusable, Configuration
from emulator.sdk import Finding
from emulator.workers.languages import LIBRARIES, runtime_title

_COLOURS = {"good": "green", "warn": "yellow", "bad": "red"}
_LEVELS: Mapping[Severity, Any] = {Severity.ERROR: "bad", Severity.WARNING: "warn"}


@click.command()
@click.argument("path", required=False)
@chosen_options("port", "host", "python", "models", "ephemeral", "state_dir", "output", "channel")
def doctor(**given: Any) -> None:
    """Check whether the app in PATH (default: this folder) can run well here.

    Each line is good, a warning or bad, with the next step: the app's Python, its packages, the
    port, the files, which models would answer and from which setting, where chats are kept, and
    more. Nothing is asked over the network and no secret is shown; the app is loaded to see it
    as it is.

    The exit code is 1 when a line is bad.
    """
    options = options_of(given)
    starter = Starter(options)
    configuration = starter.configure()
    findings = [
        *checks.machine(),
        *checks.interpreter(starter, configuration),
        *checks.port(starter.options),
        *checks.state(starter.options),
        *_files(configuration),
        *checks.azurite(configuration.settings),
        *checks.identity(configuration.settings),
        *asyncio.run(_app(starter, configuration)),
    ]
    if options.output == "json":
        write_json([_json(each) for each in findings])
    else:
        _show(findings, palette(options.output))
    if any(each.level == "bad" for each in findings):
        raise click.exceptions.Exit(1)


def _files(configuration: Configuration) -> Iterable[Finding]:
    wrong = [each for each in configuration.problems if each.severity in _LEVELS]
    if not wrong:
        count = sum(each.source != ENVIRONMENT for each in configuration.settings)
        yield Finding("good", f"host.json and the app's settings are sound ({count} from files).")
    for problem in wrong:
        yield _of_problem(problem)


async def _app(starter: Starter, configuration: Configuration) -> list[Finding]:
    """Load the app and say how that went; what its files say was told before."""
    starter.options = replace(starter.options, ephemeral=True)  # to look at it leaves no trace
    try:
        launch = starter.spawn(configuration)
    except AppUnusable:
        return [Finding("bad", "The app is not loaded before host.json is mended.")]
    except EmulatorError:
        return []  # there is no interpreter, which was told
    engine = Engine(starter, listens=False)
    try:
        await engine.start(launch)
        return [*_loaded(engine, configuration), *_extensions(engine)]
    except EmulatorError as error:
        return [Finding("bad", error.message, error.hint)]
    finally:
        await engine.aclose()


def _loaded(engine: Engine, configuration: Configuration) -> Iterable[Finding]:
    generation = engine.host.current
    told = set(configuration.problems)
    for problem in engine.host.problems:
        if problem not in told and problem.severity in _LEVELS:
            yield _of_problem(problem)
    if generation is None:
        return
    worker = generation.worker
    library = LIBRARIES.get(worker.language)
    sdk = f" with {f'{library} {worker.sdk_version}' if worker.sdk_version else f'no {library}'}"
    if worker.worker_directory:  # it does not tell which library it has
        version = f"official worker {worker.worker_version}".rstrip()
        library, sdk = "-", f" with the {version} in {worker.worker_directory}"
    title = f"{runtime_title(worker.language)} {worker.version}".rstrip()
    yield Finding("good", f"The app runs on {title}{sdk if library else ''}.")
    names = ", ".join(each.model.name for each in generation.functions.values())
    if names:
        yield Finding("good", f"{len(generation.functions)} functions are ready: {names}.")
    yield from checks.names(configuration.settings, generation.app, engine.context.extensions)


def _extensions(engine: Engine) -> Iterable[Finding]:
    for extension in engine.context.extensions:
        yield from extension.examine()


def _of_problem(problem: Problem) -> Finding:
    place = f" ({problem.where})" if problem.where else ""
    message = problem.message.rstrip(".")
    return Finding(_LEVELS[problem.severity], f"{message}{place}. [{problem.code}]", problem.hint)


def _show(findings: Iterable[Finding], paint: Palette) -> None:
    for each in findings:
        click.echo(f"{paint(f'{each.level:4}', _COLOURS[each.level])}  {each.text}")
        if each.next_step:
            click.echo(f"      {paint('→', 'dim')} {each.next_step}")


def _json(finding: Finding) -> dict[str, Any]:
    shown = {"level": finding.level, "text": finding.text, "nextStep": finding.next_step}
    return {key: value for key, value in shown.items() if value is not None}
