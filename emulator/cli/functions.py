"""`funcemu functions`: the functions of an app, and how they were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from emulator.cli.headless import Session, options_of, run
from emulator.cli.options import chosen_options
from emulator.cli.writing import palette, write_json, write_table
from emulator.console.render import Palette, problem_lines
from emulator.discovery.assemble import script_file_of
from emulator.discovery.candidates import Candidate, candidates
from emulator.model import AppModel, FunctionModel, Problem, Severity
from emulator.runtime.generation import Generation
from emulator.workers.languages import app_language


@click.command()
@click.argument("path", required=False)
@click.option(
    "--explain", is_flag=True, help="List every file and folder looked at, and why it counts."
)
@chosen_options("port", "python", "functions", "route_precedence", "output", "channel")
def functions(explain: bool, **given: Any) -> None:
    """List the functions of the app in PATH (default: this folder) without serving it.

    Each comes with its trigger, its methods and URL, and where it is declared; what is wrong with
    the app follows. The exit code is 1 when a function or the whole app is in error.
    """
    options = replace(options_of(given), ephemeral=True)  # to look at it leaves no trace
    good = run(options, lambda session: _list(session, options.output, explain=explain))
    if not good:
        raise click.exceptions.Exit(1)


async def _list(session: Session, output: str, *, explain: bool) -> bool:
    generation = session.engine.host.current
    problems = [each for each in session.problems if each.severity is not Severity.INFO]
    base = f"http://localhost:{session.options.port or 7071}"
    shown = [] if generation is None else _functions(generation, base, problems)
    looked = _candidates(session, generation) if explain else []
    if output == "json":
        told: dict[str, Any] = {"functions": shown, "problems": [_problem(p) for p in problems]}
        if explain:
            told["candidates"] = [each._asdict() for each in looked]
        write_json(told)
    else:
        _show(shown, looked, problems if generation is not None else [], palette(output))
    return not any(each.severity is Severity.ERROR for each in problems)


def _functions(
    generation: Generation, base: str, problems: Sequence[Problem]
) -> list[dict[str, Any]]:
    app = generation.app
    allowed = {id(each) for each in app.functions}
    everything = [*app.functions, *app.excluded]
    shown = [
        {
            "name": model.name,
            "trigger": model.trigger.type,
            "methods": _methods(model),
            "url": _url(generation, model.name, base),
            "source": None if model.source is None else str(model.source),
            "state": _state(generation, model, allowed=id(model) in allowed),
            "problems": [each.code for each in problems if each.function == model.name],
        }
        for model in everything
    ]
    shown += _unreadable({model.name for model in everything}, problems)
    return sorted(shown, key=lambda each: str(each["name"]).lower())


def _unreadable(known: set[str], problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return the functions whose declaration is too wrong for a model."""
    names = dict.fromkeys(each.function for each in problems if each.function)
    found = []
    for name in names:
        if name not in known:
            own = [each for each in problems if each.function == name]
            found.append(
                {
                    "name": name,
                    "trigger": "",
                    "methods": [],
                    "url": None,
                    "source": next((str(each.where) for each in own if each.where), None),
                    "state": "in error",
                    "problems": [each.code for each in own],
                }
            )
    return found


def _state(generation: Generation, model: FunctionModel, *, allowed: bool) -> str:
    if not allowed:
        return "left out"
    if model.disabled:
        return "disabled"
    return "ready" if model.name.lower() in generation.functions else "in error"


def _methods(model: FunctionModel) -> list[str]:
    methods = model.trigger.properties.get("methods")
    return [str(each).upper() for each in methods] if isinstance(methods, list) else []


def _url(generation: Generation, name: str, base: str) -> str | None:
    return next(
        (
            f"{base}/{endpoint.template}"
            for endpoint in generation.endpoints
            if endpoint.function.model.name == name
        ),
        None,
    )


def _candidates(session: Session, generation: Generation | None) -> list[Candidate]:
    settings = session.configuration.settings
    app = AppModel(session.engine.context.app_root) if generation is None else generation.app
    if generation is None:
        language = app_language(app.root, settings.worker_environment({})).name
    else:
        language = generation.worker.language
    script_file = script_file_of(language, settings)
    return list(candidates(app, session.problems, script_file))


def _show(
    shown: Sequence[dict[str, Any]],
    looked: Sequence[Candidate],
    problems: Sequence[Problem],
    paint: Palette,
) -> None:
    if shown:
        rows = [
            (
                each["name"],
                each["trigger"],
                ",".join(each["methods"]),
                each["url"] or "",
                each["source"] or "",
                "" if each["state"] == "ready" else each["state"],
            )
            for each in shown
        ]
        write_table(rows, paint, styles=("yellow", "", "green", "green", "dim", "red"))
    else:
        click.echo("No function was found.")
    if looked:
        click.echo("")
        click.echo("What was looked at:")
        marks = {True: "taken", False: "not taken"}
        write_table(
            [(each.path, marks[each.taken], each.reason) for each in looked],
            paint,
            styles=("", "green", "dim"),
        )
    if problems:
        click.echo("")
        for problem in problems:
            click.echo("\n".join(problem_lines(problem, paint)))


def _problem(problem: Problem) -> dict[str, Any]:
    shown = {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "where": None if problem.where is None else str(problem.where),
        "hint": problem.hint,
        "function": problem.function,
    }
    return {key: value for key, value in shown.items() if value is not None}
