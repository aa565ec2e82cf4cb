"""`funcemu bindings`: the binding types that are installed."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from typing import Any

import click

from emulator.cli.options import chosen_options
from emulator.cli.writing import palette, write_json, write_table
from emulator.config.suggest import did_you_mean
from emulator.console.render import Palette
from emulator.errors import BindingError, EmulatorError
from emulator.invocation.describe import OptionField, option_fields
from emulator.invocation.officialtypes import is_official
from emulator.registry import BindingRegistry, Registered
from emulator.sdk import Input, Output, Trigger, to_text

_EXPRESSIONS = {"settings": "%SETTING%", "settings and data": "%SETTING% and {data}"}


@click.command()
@click.argument("type_name", metavar="[TYPE]", required=False)
@chosen_options("output")
def bindings(type_name: str | None, output: str | None) -> None:
    """List the binding types that apps can use, each with its package and what it does.

    With TYPE tell all about one: its options with their types and defaults, in which of them
    %SETTING% and {data} are replaced, old names that are understood, and where it differs from
    Azure.
    """
    registry = BindingRegistry()
    shown = output or "auto"
    if type_name is None:
        _list(registry, shown)
    else:
        _tell(_find(registry, type_name), registry, shown)


def _list(registry: BindingRegistry, output: str) -> None:
    found: list[tuple[str, Registered | EmulatorError]] = []
    for name in registry.names():
        try:
            registered = registry.find(name)
        except EmulatorError as error:
            found.append((name, error))
        else:
            if registered is not None:
                found.append((name, registered))
    if output == "json":
        write_json([_summary(name, each) for name, each in found])
        return
    rows = []
    for name, each in found:
        told = _summary(name, each)
        kind, package = told.get("kind", "broken"), told.get("package", "")
        rows.append((name, kind, package, told["summary"]))
    write_table(rows, palette(output), styles=("yellow", "dim", "dim", ""))


def _summary(name: str, found: Registered | EmulatorError) -> dict[str, Any]:
    if isinstance(found, EmulatorError):
        return {"type": name, "summary": found.message}
    summary = found.kind.summary
    if found.is_alias:
        summary = f"Another name for {found.kind.type_name}."
    return {
        "type": name,
        "kind": _kind(found),
        "package": found.package,
        "summary": summary,
        "alias": found.is_alias,
    }


def _kind(found: Registered) -> str:
    kinds = ((Trigger, "trigger"), (Input, "input"), (Output, "output"))
    return " and ".join(word for kind, word in kinds if issubclass(found.kind, kind))


def _find(registry: BindingRegistry, type_name: str) -> Registered:
    found = registry.find(type_name)
    if found is None:
        if is_official(type_name):
            raise BindingError(
                f"Azure has the binding type '{type_name}', but this host does not.",
                hint="`funcemu bindings` lists those of this host.",
                code="binding-unknown-type",
            )
        raise BindingError(
            f"There is no binding type '{type_name}'.",
            hint=did_you_mean(type_name, registry.names()) or "`funcemu bindings` lists them all.",
            code="binding-unknown-type",
        )
    return found


def _tell(found: Registered, registry: BindingRegistry, output: str) -> None:
    kind = found.kind
    fields = option_fields(kind.options_type)
    if output == "json":
        write_json(
            {
                **_summary(found.written, found),
                "type": kind.type_name,
                "summary": kind.summary,
                "options": [each._asdict() for each in fields],
                "optionAliases": dict(kind.option_aliases),
                "otherNames": _other_names(found, registry),
                "differences": _differences(found),
                "sample": None if kind.sample.is_none else _sample(found),
            }
        )
        return
    click.echo("\n".join(_lines(found, fields, registry, palette(output))))


def _lines(
    found: Registered,
    fields: list[OptionField],
    registry: BindingRegistry,
    paint: Palette,
) -> Iterable[str]:
    kind = found.kind
    described = f"({_kind(found)}, package {found.package})"
    yield f"{paint(kind.type_name, 'yellow')} {paint(described, 'dim')}"
    yield kind.summary
    others = _other_names(found, registry)
    if others:
        yield f"Also understood as: {', '.join(others)}."
    yield ""
    yield "Options:" if fields else "It has no options of its own."
    width = max((len(each.name) for each in fields), default=0)
    for each in fields:
        if each.name in kind.option_aliases:
            continue  # told below
        told = [each.kind, "required" if each.required else f"default {each.default or 'none'}"]
        if each.expressions != "none":
            told.append(f"replaces {_EXPRESSIONS[each.expressions]}")
        yield f"  {paint(each.name.ljust(width), 'green')}  {', '.join(told)}"
    for old, new in kind.option_aliases.items():
        yield f"  {old.ljust(width)}  an old name of {new}"
    differences = _differences(found)
    if differences:
        yield ""
        yield "Differences from Azure:"
        yield from (f"  {line}" for line in differences.splitlines())


def _other_names(found: Registered, registry: BindingRegistry) -> list[str]:
    names = []
    for name in registry.names():
        try:
            other = registry.find(name)
        except EmulatorError:
            continue  # the list of types tells about it
        if other is not None and other.kind is found.kind and other.is_alias:
            names.append(name)
    return names


def _differences(found: Registered) -> str:
    """Return what the module of the binding says under `Differences`."""
    text = inspect.cleandoc(sys.modules[found.kind.__module__].__doc__ or "")
    heading = re.search(r"^Differences:?", text, re.MULTILINE)
    return text[heading.end() :].strip() if heading else ""


def _sample(found: Registered) -> str:
    sample = found.kind.sample
    if sample.kind == "http":
        request = sample.value
        return f"{request.method} with the query {dict(request.query)}"
    return to_text(sample)
