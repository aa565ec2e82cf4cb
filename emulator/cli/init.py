"""`funcemu init`: a new app that runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from emulator.cli.languages import chosen_model, language_options
from emulator.scaffold.catalogue import NODE_MODELS, find_template, template_names
from emulator.scaffold.project import Written, project_files, write_files


@click.command()
@click.argument("folder", metavar="[DIR]", required=False)
@language_options
@click.option(
    "--template",
    "-t",
    type=click.Choice(template_names()),
    default="http",
    show_default=True,
    help="What the app does at first.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def init(folder: str | None, template: str, force: bool, **given: Any) -> None:
    """Write a new app into DIR (default: this folder).

    It has host.json, local.settings.json with placeholders, requirements.txt or package.json, what
    git and a deployment shall ignore, its functions, and demo.http with requests to try. It runs
    offline; what a package.json names is installed first, by npm. Files that are there stay, and
    are named.
    """
    root = Path(folder or ".").expanduser()
    chosen = find_template(template)
    model = chosen_model(root, **given)
    files = project_files(chosen, model, chosen.name)
    done = write_files(root, files, force=force)
    tell(root, done)
    place = f" {folder}" if folder else ""
    install = f"npm install{f' --prefix {folder}' if folder else ''}, then "
    first = install if model in NODE_MODELS else ""
    click.echo(f"Next: {first}funcemu start{place}, then the requests in {root / 'demo.http'}.")


def tell(root: Path, done: Written) -> None:
    """Say what was written and what was kept."""
    for name in done.written:
        click.echo(f"Wrote {root / name}")
    for name in done.kept:
        click.echo(f"Kept {root / name}, which was there (--force replaces it)", err=True)
