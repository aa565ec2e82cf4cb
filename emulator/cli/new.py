"""`funcemu new`: functions for an app that exists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.init import tell
from emulator.cli.languages import chosen_model, language_options
from emulator.errors import ConfigError
from emulator.scaffold.addition import HOST_FILE, add
from emulator.scaffold.catalogue import find_template, template_names
from emulator.scaffold.node import unreached

if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # before click 8.2 it has no parameter


class _TemplateName(_Choice):
    """Knows the names of the official tools as well: `HTTP trigger` is `http`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str):
            value = value.lower().replace(" ", "").removesuffix("trigger") or value
        return super().convert(value, param, ctx)


@click.command()
@click.argument("name", required=False)
@click.argument("path", required=False)
@click.option(
    "--template",
    "-t",
    type=_TemplateName(template_names(), case_sensitive=False),
    default="http",
    show_default=True,
    help="What the functions do.",
)
@click.option("--name", "-n", "named", metavar="NAME", help="The same as NAME.")
@language_options
@click.option("--force", is_flag=True, help="Replace files of the same name.")
def new(
    name: str | None,
    path: str | None,
    template: str,
    named: str | None,
    force: bool,
    **given: Any,
) -> None:
    """Add functions called NAME to the app in PATH (default: this folder).

    In Python with decorators they are put at the end of function_app.py, else into folders or a
    file of their own. Settings and parts of host.json that they need are added; everything else
    stays as it is.
    PATH may stand alone; then the functions are called as the template is.
    """
    if named is not None:
        if path is not None:
            raise click.UsageError("the name is given twice")
        name, path = named, name
    elif name is not None and path is None and (Path(name) / HOST_FILE).is_file():
        name, path = None, name
    root = Path(path or ".").expanduser()
    if not (root / HOST_FILE).is_file():
        raise ConfigError(
            f"There is no app in {root}: it has no {HOST_FILE}.",
            hint="`funcemu init` makes one.",
            code="app-missing",
        )
    chosen = find_template(template)
    wanted = name or chosen.name
    done = add(root, chosen, chosen_model(root, **given), wanted, force=force)
    tell(root, done)
    main = unreached(root, done.written)
    if main is not None:
        click.echo(
            f'"main" of package.json is "{main}": import the new file there, or let main name it '
            'as well, such as "src/{index,functions/*}.js".',
            err=True,
        )
