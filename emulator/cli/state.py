"""`funcemu state`: clear an app's state away, or take it along in one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from emulator import __version__
from emulator.cli.options import chosen_options
from emulator.config.options import Options, resolve_options
from emulator.errors import ConfigError
from emulator.state import transfer


@click.group(short_help="Reset, export and import what an app keeps.")
def state() -> None:
    """Reset, export and import the state of an app: chats, documents, messages, blobs, keys.

    It is kept in the folder .funcemu of the app, or where --state-dir says.
    """


@state.command("reset", short_help="Delete state.")
@click.argument("path", required=False)
@click.option("--chats", is_flag=True, help="Delete chats only.")
@click.option("--keys", is_flag=True, help="Delete function keys only; new ones are made.")
@click.option("--all", "everything", is_flag=True, help="Delete everything, keys as well.")
@chosen_options("state_dir")
def reset_state(chats: bool, keys: bool, everything: bool, **given: Any) -> None:
    """Delete the state of the app in PATH (default: this folder).

    Without an option everything but the function keys is deleted. Nothing is deleted while a host
    is running on the state.
    """

    def wanted(part: transfer.Part) -> bool:
        if everything:
            return True
        if chats or keys:
            return (chats and part.is_chats) or (keys and part.is_key)
        return not part.is_key

    options = _options(given)
    deleted = transfer.reset(options.state_folder, wanted)
    click.echo(_told("Deleted", deleted) if deleted else "There was nothing to delete.")


@state.command("export", short_help="Write state into one file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("path", required=False)
@click.option("--keys", is_flag=True, help="Take the function keys along, which are secrets.")
@chosen_options("state_dir")
def export_state(file: Path, keys: bool, **given: Any) -> None:
    """Write the state of the app in PATH (default: this folder) into the zip file FILE.

    Keys stay behind unless --keys is given. This may be done while a host is running.
    """
    options = _options(given)
    written = transfer.export(options.state_folder, file, version=__version__, with_keys=keys)
    click.echo(f"{_told('Wrote', written)} to {file}")


@state.command("import", short_help="Take over state from a file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("path", required=False)
@click.option("--force", is_flag=True, help="Replace what is there.")
@chosen_options("state_dir")
def import_state(file: Path, force: bool, **given: Any) -> None:
    """Take over the state in FILE, which `funcemu state export` wrote, for the app in PATH.

    What the file does not hold stays. Nothing is imported while a host is running on the state.
    """
    options = _options(given)
    taken = transfer.restore(options.state_folder, file, force=force)
    click.echo(f"{_told('Imported', taken)} from {file}")


def _options(given: dict[str, Any]) -> Options:
    options = resolve_options(given, os.environ, Path.cwd())
    if options.state_dir is None and not options.path.is_dir():
        raise ConfigError(
            f"There is no folder '{options.path}'.",
            hint="Give the folder of the app: the one with host.json and function_app.py.",
            code="app-missing",
        )
    return options


def _told(verb: str, names: Sequence[str]) -> str:
    return f"{verb} {', '.join(names)}"
