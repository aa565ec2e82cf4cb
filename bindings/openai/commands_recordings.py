"""`funcemu recordings` and `funcemu script`: recorded model calls, looked at and made use of."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from bindings.openai.models.script import parse_script
from bindings.openai.recordings.embeddings import RecordedVectors
from bindings.openai.recordings.facets import describe_drift
from bindings.openai.recordings.files import (
    file_name,
    read_recording,
    recording_text,
    write_atomically,
)
from bindings.openai.recordings.folder import EMBEDDINGS_FILE, find_folder
from bindings.openai.recordings.normalise import Normaliser, delta_key
from bindings.openai.recordings.promote import script_text, unreachable
from bindings.openai.recordings.redact import Redactor
from bindings.openai.recordings.rules import read_rules
from bindings.openai.recordings.store import RecordingStore
from bindings.openai.recordings.tree import Exchange, Recording, said_key
from emulator.sdk import BindingError, CommandServices, HostServices, harmless, harmless_json

Work = Callable[[RecordingStore], None]


def recordings(services: CommandServices) -> click.Command:
    """Make the command `recordings` with its sub-commands."""

    @click.group(short_help="Look at recorded model calls, tidy them up.")
    def recordings() -> None:
        """Look at recorded model calls, compare them, and take out what is of no use.

        They are made by `funcemu start --models record` and kept in the app's folder 'recordings',
        or where FUNCEMU_RECORDINGS says.
        """

    @recordings.command("list")
    @services.app_options
    def list_(**given: Any) -> None:
        """List the recordings of the app in PATH (default: this folder)."""
        as_json = services.output(given) == "json"
        _with_store(services, given, lambda store: _list(store, as_json=as_json))

    @recordings.command()
    @click.argument("name")
    @services.app_options
    def show(name: str, **given: Any) -> None:
        """Show the conversations of the recording NAME: an assistant, a function, or a file."""
        _with_store(services, given, lambda store: _show(_named(store, name)))

    @recordings.command()
    @click.argument("name")
    @click.argument("other")
    @services.app_options
    def diff(name: str, other: str, **given: Any) -> None:
        """Tell how the recording OTHER differs from the recording NAME.

        Both may also be files, such as one of another branch.
        """
        _with_store(services, given, lambda store: _diff(_named(store, name), _named(store, other)))

    @recordings.command()
    @click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
    @services.app_options
    def prune(dry_run: bool, **given: Any) -> None:
        """Take out exchanges that no conversation can get to any more."""
        _with_store(services, given, lambda store: _prune(store, dry_run=dry_run))

    return recordings


def script(services: CommandServices) -> click.Command:
    """Make the command `script` with its sub-command."""

    @click.group(short_help="Make a model script of recorded calls.")
    def script() -> None:
        """Make model scripts: what an offline model answers, in a file that people edit."""

    @script.command("from")
    @click.argument("source", type=click.Choice(["recording"]))
    @click.argument("name")
    @click.option(
        "--to", "target", type=click.Path(path_type=Path), help="The file; otherwise it is shown."
    )
    @services.app_options
    def from_(source: str, name: str, target: Path | None, **given: Any) -> None:
        """Turn the recording NAME into a script.

        `funcemu script from recording a1 --to model-script.yaml`
        """
        _with_store(services, given, lambda store: _promote(_named(store, name), target))

    return script


def _with_store(services: CommandServices, given: Mapping[str, object], work: Work) -> None:
    async def run(host: HostServices) -> None:
        folder = find_folder(host.app_root, host.settings)
        rules = read_rules(folder, host.settings)
        redactor = Redactor.of(host.settings, host.host_json)
        store = RecordingStore(folder, rules=rules, redactor=redactor)
        store.refresh()
        work(store)

    doing: Callable[[HostServices], Awaitable[None]] = run
    services.run(given, doing)


def _named(store: RecordingStore, name: str) -> Recording:
    """Return a recording by the name of its scope, or by its file."""
    found = [
        each
        for each in store
        if name in {each.scope.name, file_name(each.scope), Path(file_name(each.scope)).stem}
    ]
    if len(found) == 1:
        return found[0]
    if found:
        files = ", ".join(file_name(each.scope) for each in found)
        raise BindingError(
            f"'{name}' names several recordings.",
            hint=f"Say which: {files}.",
            code="recording-unknown",
        )
    if Path(name).is_file():
        return read_recording(Path(name), Normaliser(Redactor()))
    known = ", ".join(file_name(each.scope) for each in store) or "none"
    raise BindingError(
        f"There is no recording '{name}' in {store.folder}.",
        hint=f"There are: {known}.",
        code="recording-unknown",
    )


def _list(store: RecordingStore, *, as_json: bool) -> None:
    vectors = RecordedVectors(store.folder, Redactor())
    vectors.refresh()
    rows = [
        {
            "file": file_name(each.scope),
            "kind": each.scope.kind,
            "name": each.scope.name,
            "function": each.function,
            "exchanges": len(each),
            "tokens": sum(exchange.reply.usage.total for exchange in each),
        }
        for each in store
    ]
    texts = {model: len(vectors.texts(model)) for model in vectors.models()}
    if as_json:
        told = json.dumps({"recordings": rows, "vectors": texts}, ensure_ascii=False)
        click.echo(harmless_json(told))
        return
    if not rows and not texts:
        click.echo(f"Nothing is recorded in {store.folder}.")
        return
    width = max((len(str(row["file"])) for row in rows), default=0)
    for row in rows:
        function = f"  {row['function']}" if row["kind"] == "assistant" and row["function"] else ""
        told = f"{row['exchanges']} exchanges, {row['tokens']} tokens"
        click.echo(f"{str(row['file']).ljust(width)}  {told}{function}")
    for model, count in texts.items():
        click.echo(f"{EMBEDDINGS_FILE.ljust(width)}  {count} texts of {model}")


def _show(recording: Recording) -> None:
    function = f", asked by {recording.function}" if recording.function else ""
    name = f" {recording.scope.name}" if recording.scope.name else ""
    click.echo(harmless(f"{recording.scope.kind}{name}{function}: {len(recording)} exchanges"))
    before = ""
    for exchange in recording.in_order():
        if exchange.parent != before:
            continued = f"after {exchange.parent}" if exchange.parent else "a chat begins"
            click.echo(f"— {continued}")
        for line in _lines(exchange):
            click.echo(f"  {line}")
        before = exchange.id


def _lines(exchange: Exchange) -> Iterator[str]:
    return map(harmless, _told(exchange))


def _told(exchange: Exchange) -> Iterator[str]:
    for added in exchange.delta:
        who = added.skill if added.role == "result" else added.role
        is_text = isinstance(added.value, str)
        said = added.text if is_text else json.dumps(added.value, ensure_ascii=False)
        yield f"{who}: {_one_line(said)}"
    reply = exchange.reply
    if reply.error:
        yield f"refused: {reply.error.get('message')}  [{exchange.id}]"
        return
    for call in reply.calls:
        yield f"model calls {call.name} {call.arguments}  [{exchange.id}]"
    if reply.text or not reply.calls:
        yield f"model: {_one_line(reply.text)}  [{exchange.id}]"


def _diff(one: Recording, other: Recording) -> None:
    known = _by_way(one)
    differing = 0
    now = _by_way(other)
    for way, exchange in now.items():
        before = known.get(way)
        if before is None:
            differing += 1
            click.echo(f"+ {_summary(exchange)}")
        elif said_key(before.reply) != said_key(exchange.reply):
            differing += 1
            click.echo(f"- {_summary(before)}")
            click.echo(f"+ {_summary(exchange)}")
        for name in sorted({*exchange.facets} if before is not None else ()):
            assert before is not None
            if before.facets.get(name) != exchange.facets.get(name):
                differing += 1
                told = describe_drift(
                    name, _facet(one, before, name), _facet(other, exchange, name)
                )
                click.echo(f"  {exchange.id}: {name}: {told}")
    for way, exchange in known.items():
        if way not in now:
            differing += 1
            click.echo(f"- {_summary(exchange)}")
    if not differing:
        click.echo("They are the same.")


def _by_way(recording: Recording) -> dict[tuple[str, ...], Exchange]:
    """Return the exchanges by all that was said to the model before."""
    ways: dict[str, tuple[str, ...]] = {}
    result = {}
    for exchange in recording.in_order():
        before = ways.get(exchange.parent, (exchange.parent,) if exchange.parent else ())
        way = ways[exchange.id] = (*before, delta_key(exchange.delta))
        result[way] = exchange
    return result


def _facet(recording: Recording, exchange: Exchange, name: str) -> Any:
    empty: dict[str, Any] = {"tools": [], "parameters": {}}
    values = recording.facets.get(name, {})
    return values.get(exchange.facets.get(name, ""), empty.get(name, ""))


def _summary(exchange: Exchange) -> str:
    return " / ".join(_lines(exchange))


def _prune(store: RecordingStore, *, dry_run: bool) -> None:
    removed = 0
    for recording in list(store):
        gone = unreachable(recording)
        file = store.path(recording)
        for exchange in gone:
            click.echo(f"{file.name}: {_summary(exchange)}")
            recording.remove(exchange.id)
        removed += len(gone)
        if dry_run or not gone:
            continue
        if len(recording):
            write_atomically(file, recording_text(recording))
        else:
            file.unlink()
    verb = "would go" if dry_run else "removed"
    click.echo(f"{removed} exchanges {verb}." if removed else "There is nothing to take out.")


def _promote(recording: Recording, target: Path | None) -> None:
    text = script_text(recording)
    parse_script(text, "script")  # what we write can be read
    if target is None:
        click.echo(text, nl=False)
        return
    if target.exists():
        raise BindingError(
            f"There is a file {target} already.",
            hint="Name another, or take out --to and copy what is shown.",
            code="model-script-exists",
        )
    write_atomically(target, text)
    click.echo(f"Wrote {target}. It answers first, before recordings: edit it as you like.")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:160]}…" if len(line) > 160 else line
