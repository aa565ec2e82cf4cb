"""`funcemu init`: a new app that runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from emulator.scaffold.addition import model_of
from emulator.scaffold.catalogue import find_template, template_names
from emulator.scaffold.project import Written, project_files, write_files


@click.command()
@click.argument("folder", metavar="[DIR]", required=False)
@click.option(
    "--model",
    type=click.Choice(["v2", "v1"]),
    help="How functions are declared: with decorators (v2), or in folders with function.json "
    "(v1); the default is v2, unless there are such folders.",
)
@click.option(
    "--template",
    "-t",
    type=click.Choice(template_names()),
    default="http",
    show_default=True,
    help="What the app does at first.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def init(folder: str | None, model: Any, template: str, force: bool) -> None:
    """Write a new app into DIR (default: this folder).

    It has host.json, local.settings.json with placeholders, requirements.txt, what git and a
    deployment shall ignore, its functions, and demo.http with requests to try. It runs at once and
    offline. Files that are there stay, and are named.
    """
    root = Path(folder or ".").expanduser()
    chosen = find_template(template)
    files = project_files(chosen, model or model_of(root), chosen.name)
    done = write_files(root, files, force=force)
    tell(root, done)
    place = f" {folder}" if folder else ""
    click.echo(f"Next: funcemu start{place}, then the requests in {root / 'demo.http'}.")


def tell(root: Path, done: Written) -> None:
    """Say what was written and what was kept."""
    for name in done.written:
        click.echo(f"Wrote {root / name}")
    for name in done.kept:
        click.echo(f"Kept {root / name}, which was there (--force replaces it)", err=True)
