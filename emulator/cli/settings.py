"""`funcemu settings`: what the app is configured with, where it comes from, who uses it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from emulator.cli.options import chosen_options
from emulator.cli.settingusers import Use, uses
from emulator.cli.writing import palette, write_json, write_table
from emulator.config.jsonc import read_text
from emulator.config.jsonedit import remove_value, set_value
from emulator.config.knownsettings import KNOWN_SETTINGS, known_purpose
from emulator.config.localsettings import FILE, read_local_settings
from emulator.config.options import resolve_options
from emulator.config.settings import ENVIRONMENT, Setting, Settings, load_settings
from emulator.config.suggest import did_you_mean
from emulator.errors import ConfigError

_OURS = ("AZURE", "OPENAI_", "FUNCEMU_", "FUNCTIONS_", "PYTHON_", "WEBSITE_")
"""Variables of the environment that a list of settings shows though no file has them."""


class _Settings(click.Group):
    """Knows the words of the official tools as well."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, {"add": "set", "delete": "remove"}.get(cmd_name, cmd_name))


@click.group(cls=_Settings, short_help="List, read, change and explain the app's settings.")
def settings() -> None:
    """List, read, change and explain the settings of an app.

    They come from local.settings.json, from .env and from the environment; the later ones win.
    """


@settings.command("list", short_help="List every setting and its source.")
@click.argument("path", required=False)
@click.option("--show-values", "-a", is_flag=True, help="Show secrets as well.")
@click.option("--all", "everything", is_flag=True, help="Show every variable of the environment.")
@chosen_options("output")
def list_settings(show_values: bool, everything: bool, **given: Any) -> None:
    """List the settings of the app in PATH (default: this folder) and where each comes from.

    Secrets are shown as *****. Of the environment, variables are listed that other tools know or
    that hide a value of a file.
    """
    options = resolve_options(given, os.environ, Path.cwd())
    found = _load(options.path)
    chosen = sorted(
        (each for each in found if everything or _is_listed(each)), key=lambda s: s.name.lower()
    )
    if options.output == "json":
        write_json([_json(each, show_values=show_values) for each in chosen])
        return
    if not chosen:
        click.echo(f"There are no settings. `funcemu settings set NAME VALUE` writes {FILE}.")
        return
    rows = [
        (each.name, each.value if show_values else each.masked, _source(each)) for each in chosen
    ]
    write_table(rows, palette(options.output), styles=("", "green", "dim"))


@settings.command("get", short_help="Print one value.")
@click.argument("name")
@click.argument("path", required=False)
def get_setting(name: str, **given: Any) -> None:
    """Print the value of the setting NAME of the app in PATH, as the app gets it."""
    found = _load(resolve_options(given, os.environ, Path.cwd()).path)
    value = found.get(name)
    if value is None:
        raise _unknown(name, found)
    click.echo(value)


@settings.command("set", short_help="Write one value into local.settings.json.")
@click.argument("name")
@click.argument("value")
@click.argument("path", required=False)
def set_setting(name: str, value: str, **given: Any) -> None:
    """Write NAME and VALUE into Values of local.settings.json of the app in PATH.

    Comments, order and layout of the file stay as they are; a file that is missing is made.
    """
    root = resolve_options(given, os.environ, Path.cwd()).path
    if not name.strip() or {"=", "\0"} & set(name):
        raise click.UsageError(f"'{name}' cannot be the name of a setting: it has '=' or nothing.")
    _write(root, name, value)
    click.echo(f"{name} is set in {FILE}.")
    counts = _load(root).provenance(name)
    if counts is not None and counts.value != value:
        click.echo(
            f"But the value of {counts.source} wins; unset it there to use this one.", err=True
        )


@settings.command("remove", short_help="Take one value out of local.settings.json.")
@click.argument("name")
@click.argument("path", required=False)
def remove_setting(name: str, **given: Any) -> None:
    """Take NAME out of Values of local.settings.json of the app in PATH.

    Comments, order and layout of the file stay as they are.
    """
    root = resolve_options(given, os.environ, Path.cwd()).path
    found = _load(root)
    path = _writable(root)
    left = remove_value(read_text(path, FILE) or _NEW, ("Values", name), file=FILE)
    if left is None:
        known = found.provenance(name)
        if known is None:
            raise _unknown(name, found)
        raise ConfigError(
            f"'{name}' is not in Values of {FILE}.",
            hint=f"It comes from {known.source}; unset it there.",
            code="setting-missing",
        )
    _replace(path, left)
    click.echo(f"{name} is no longer in {FILE}.")


@settings.command("explain", short_help="Tell where a value comes from and who uses it.")
@click.argument("name")
@click.argument("path", required=False)
@chosen_options("python", "output", "channel")
def explain_setting(name: str, **given: Any) -> None:
    """Tell where the setting NAME comes from, what it hides, and who uses it.

    To find out who uses it the app is loaded, and its files are searched.
    """
    options = replace(resolve_options(given, os.environ, Path.cwd()), ephemeral=True, watch=False)
    found = _load(options.path)
    setting = found.provenance(name)
    users = uses(name, options)
    if options.output == "json":
        shown = {"name": name, "set": False} if setting is None else _json(setting)
        write_json(
            {**shown, "purpose": known_purpose(name), "uses": [each._asdict() for each in users]}
        )
    else:
        _explain(name, setting, users, found)
    if setting is None:
        raise click.exceptions.Exit(1)


def _explain(name: str, setting: Setting | None, users: Iterable[Use], found: Settings) -> None:
    if setting is None:
        near = did_you_mean(name, [*KNOWN_SETTINGS, *(each.name for each in found)])
        click.echo(f"{name} is not set." + (f" {near}" if near else ""))
    else:
        click.echo(f"{setting.name} = {setting.masked or '(empty)'}")
        click.echo(f"  from     {setting.source}")
        for each in setting.shadows:
            same = "the same value" if each.value == setting.value else "another value"
            click.echo(f"  hides    {each.source} ({same})")
    purpose = known_purpose(name)
    if purpose:
        click.echo(f"  purpose  {purpose}")
    listed = list(users)
    for index, use in enumerate(listed):
        label = "used by" if index == 0 else ""
        place = f" ({use.where})" if use.where else ""
        click.echo(f"  {label:8} {use.who}{place}")
    if not listed and not purpose:
        click.echo("  used by  nothing that was found in the app")


def _load(root: Path) -> Settings:
    if not root.is_dir():
        raise ConfigError(
            f"There is no folder '{root}'.",
            hint="Give the folder of the app: the one with host.json and function_app.py.",
            code="app-missing",
        )
    return load_settings(root, os.environ)[0]


def _is_listed(setting: Setting) -> bool:
    if setting.source != ENVIRONMENT or setting.shadows or known_purpose(setting.name):
        return True
    return setting.name.upper().startswith(_OURS)


def _source(setting: Setting) -> str:
    hidden = [str(each.source) for each in setting.shadows]
    return str(setting.source) + (f" (hides {', '.join(hidden)})" if hidden else "")


def _json(setting: Setting, *, show_values: bool = False) -> dict[str, Any]:
    return {
        "name": setting.name,
        "set": True,
        "value": setting.value if show_values else setting.masked,
        "source": str(setting.source),
        "hides": [str(each.source) for each in setting.shadows],
    }


def _unknown(name: str, found: Settings) -> ConfigError:
    return ConfigError(
        f"There is no setting '{name}'.",
        hint=did_you_mean(name, (each.name for each in found))
        or f"`funcemu settings set {name} VALUE` writes it into {FILE}.",
        code="setting-missing",
    )


def _write(root: Path, name: str, value: str) -> None:
    _load(root)  # says so when there is no such folder
    path = _writable(root)
    _replace(path, set_value(read_text(path, FILE) or _NEW, ("Values", name), value, file=FILE))


def _writable(root: Path) -> Path:
    """Return the file with the settings; raise `ConfigError` when it cannot be edited."""
    refused = next(
        (each for each in read_local_settings(root).problems if each.code in _REFUSED), None
    )
    if refused is not None:
        raise ConfigError(
            refused.message, hint=refused.hint, where=refused.where, code=refused.code
        )
    return (root / FILE).resolve()  # a link stays a link


def _replace(path: Path, text: str) -> None:
    encoding = _encoding(path)
    scratch = path.with_name(f".{path.name}.new")
    try:
        scratch.write_bytes(text.encode(encoding))
        if path.exists():
            scratch.chmod(path.stat().st_mode & 0o777)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise ConfigError(
            f"{FILE} cannot be written: {error.strerror or error}.",
            hint="Check the rights of the folder.",
        ) from error


_NEW = '{\n  "IsEncrypted": false\n}\n'
_REFUSED = ("settings-invalid-json", "settings-encrypted")


def _encoding(path: Path) -> str:
    """Return the encoding to write with: that of the file, its mark included."""
    head = path.read_bytes()[:3] if path.is_file() else b""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    return "utf-8-sig" if head == b"\xef\xbb\xbf" else "utf-8"
