"""`funcemu call`: run one function and print what it gives."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from emulator.cli.headless import Session, matters_for, options_of, run
from emulator.cli.options import chosen_options
from emulator.cli.requesting import Wanted, build_request, response_head, response_json
from emulator.cli.writing import write_json
from emulator.config.suggest import did_you_mean
from emulator.console.render import duration
from emulator.errors import EmulatorError, FunctionNotFound
from emulator.events import InvocationFinished
from emulator.invocation.bound import BoundFunction
from emulator.model import Datum, FunctionError, HttpRequestData, InvocationResult
from emulator.runtime.generation import Endpoint, Generation
from emulator.sdk import Fired, to_text
from emulator.secrets import SecretFilter


@click.command()
@click.argument("name")
@click.argument("path", required=False)
@click.option(
    "--input",
    "-i",
    "given_input",
    metavar="TEXT",
    help="What the trigger gets: a text or JSON, "
    "@FILE for the content of a file, - for what comes in. For an HTTP function it is the body.",
)
@click.option("--sample", is_flag=True, help="Call it with the sample value of its trigger.")
@click.option("--method", "-X", help="The HTTP method; the default is one the function takes.")
@click.option(
    "--path",
    "route_path",
    metavar="PATH",
    help="The path of an HTTP call, such as "
    "/api/items/1; without a leading / it goes on behind the route prefix. The default is the "
    "function's route, if it has no parameters.",
)
@click.option("--query", "-q", multiple=True, metavar="NAME=VALUE", help="A value of the query.")
@click.option("--header", "-H", multiple=True, metavar="NAME:VALUE", help="A header.")
@click.option(
    "--body", "-d", metavar="TEXT", help="The body: a text, @FILE, or - for what comes in."
)
@chosen_options(
    "python", "models", "ephemeral", "verbose", "output", "state_dir", "channel", "user_log_level"
)
def call(name: str, given_input: str | None, sample: bool, **given: Any) -> None:
    """Run the function NAME of the app in PATH (default: this folder) once.

    No port is needed: the app is loaded, the function is called, its result is printed, and
    everything ends. Log lines go to stderr. An HTTP function is called through its route, and its
    status line, headers and body are printed; of other functions, the return value and the
    outputs.

    The exit code is 0 when the function ran, whatever HTTP status it gave, and 1 when it failed.
    """
    options = options_of(given)
    body = given.pop("body")
    text = _content(given_input if body is None else body)
    wanted = Wanted(
        method=given["method"],
        path=given["route_path"],
        query=[_pair(each, "=", "--query") for each in given["query"]],
        headers=[_pair(each, ":", "--header") for each in given["header"]],
        body=text,
    )
    run(options, lambda session: _call(session, name, wanted, sample, options.output))


async def _call(session: Session, name: str, wanted: Wanted, sample: bool, output: str) -> None:
    generation = session.generation()
    session.console.problems(each for each in session.problems if matters_for(each, name))
    function = _find(generation, name)
    endpoint = _endpoint(generation, function)
    if endpoint is None:
        _refuse_http_options(function, wanted)
    clean = SecretFilter(session.configuration.named_texts()).without_values
    report = _Report(function.model.name, output, clean)
    session.engine.events.on(InvocationFinished, report.finished)
    try:
        if endpoint is not None:
            example = function.trigger.sample.value if sample else None
            if sample and not isinstance(example, HttpRequestData):
                example = HttpRequestData("GET", "http://localhost/")
            request = build_request(generation, endpoint, wanted._replace(sample=example))
            fired = function.trigger.fired(request)
        else:
            fired = await _fired(function, wanted.body, sample=sample)
        result = await generation.invoker.run(function, fired)
    except EmulatorError as error:
        if report.error is None:
            raise  # nothing ran
        session.console.flush()
        report.failed()
        raise click.exceptions.Exit(1) from error
    session.console.flush()
    if endpoint is None:
        report.returned(result)
    else:
        report.answered(function, result)


def _find(generation: Generation, name: str) -> BoundFunction:
    try:
        return generation.invoker.find(name)
    except FunctionNotFound as error:
        for problem in generation.problems:
            if (problem.function or "").lower() == name.lower():
                raise EmulatorError(
                    f"The function '{name}' cannot be called: {problem.message}",
                    hint=problem.hint,
                    where=problem.where,
                    code=problem.code,
                ) from error
        known = [each.model.name for each in generation.functions.values()]
        hint = did_you_mean(name, known) or f"Functions: {', '.join(known) or 'none'}."
        raise FunctionNotFound(error.message, hint=hint) from error


def _endpoint(generation: Generation, function: BoundFunction) -> Endpoint | None:
    return next((each for each in generation.endpoints if each.function is function), None)


def _refuse_http_options(function: BoundFunction, wanted: Wanted) -> None:
    if wanted.method or wanted.path or wanted.query or wanted.headers:
        kind = function.trigger.declared.type
        raise click.UsageError(
            "--method, --path, --query and --header are for HTTP functions, and the trigger of "
            f"'{function.model.name}' is {kind}. Use --input."
        )


async def _fired(function: BoundFunction, given: bytes | None, *, sample: bool) -> Fired:
    if given is not None or not sample:
        return await function.trigger.requested((given or b"").decode("utf-8", "replace"))
    example: Datum = function.trigger.sample
    if example.is_none:
        kind = function.trigger.declared.type
        raise EmulatorError(
            f"The trigger type '{kind}' has no sample.",
            hint="Say with --input what the function shall get.",
            code="call-sample-missing",
        )
    return await function.trigger.requested(to_text(example))


class _Report:
    """Says on stdout what came of a call, for people or for programs."""

    def __init__(self, function: str, output: str, clean: Callable[[str], str]) -> None:
        """`clean` takes secrets out of failures; what a function gives is given as it is."""
        self._clean = clean
        self._function = function
        self._json = output == "json"
        self._shown: dict[str, Any] = {"function": function}
        self._seconds = 0.0
        self.error: FunctionError | None = None

    def finished(self, event: InvocationFinished) -> None:
        if event.parent is not None:
            return
        self.error = event.error
        self._seconds = event.duration
        self._shown |= {
            "id": event.id,
            "outcome": "succeeded" if event.error is None else "failed",
            "duration": round(event.duration, 6),
        }

    def failed(self) -> None:
        """The traceback is on stderr already."""
        if self._json and self.error is not None:
            error = self.error
            message, stack = self._clean(error.message), self._clean(error.stack)
            told = {"type": error.type, "message": message, "stack": stack}
            write_json({**self._shown, "error": told})

    def answered(self, function: BoundFunction, result: InvocationResult) -> None:
        response = function.trigger.answer(result)
        if self._json:
            write_json({**self._shown, "response": response_json(response)})
            return
        click.echo("\n".join([*response_head(response), ""]))
        sys.stdout.flush()
        sys.stdout.buffer.write(response.body)
        if response.body and not response.body.endswith(b"\n") and sys.stdout.isatty():
            sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()

    def returned(self, result: InvocationResult) -> None:
        if self._json:
            outputs = {name: _plain(value) for name, value in result.outputs.items()}
            value = _plain(result.return_value)
            write_json({**self._shown, "returnValue": value, "outputs": outputs})
            return
        if not result.return_value.is_none:
            click.echo(_shown_text(result.return_value))
        for name, value in result.outputs.items():
            click.echo(f"{name}: {_shown_text(value)}")
        if result.return_value.is_none and not result.outputs:
            told = f"{self._function} ran in {duration(self._seconds)} and returned nothing."
            click.echo(told, err=True)


def _plain(value: Datum) -> Any:
    match value.kind:
        case "json":
            return json.loads(value.value)
        case "http":
            return response_json(value.value)
        case "list":
            return [_plain(each) for each in value.value]
        case "bytes":
            return bytes(value.value).decode("utf-8", "replace")
        case _:
            return value.value


def _shown_text(value: Datum) -> str:
    if value.kind == "http":
        return str(response_json(value.value))
    if value.kind == "bytes":
        return bytes(value.value).decode("utf-8", "replace")
    return to_text(value)


def _content(given: str | None) -> bytes | None:
    """Return what a text, `@file` or `-` stands for."""
    if given is None:
        return None
    if given == "-":
        return sys.stdin.buffer.read()
    if given.startswith("@"):
        try:
            return Path(given[1:]).expanduser().read_bytes()
        except OSError as error:
            raise click.UsageError(f"{given[1:]} cannot be read: {error.strerror}") from error
    return given.encode("utf-8")


def _pair(text: str, separator: str, option: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise click.UsageError(f"{option} is written NAME{separator}VALUE, not '{text}'.")
    return name.strip(), value.strip() if separator == ":" else value
