"""What to tell of a binding that works: old names, missing settings, differences from Azure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from emulator.config.connections import connection
from emulator.config.settings import Settings
from emulator.config.suggest import did_you_mean
from emulator.invocation.officialtypes import is_official
from emulator.invocation.options import BoundOptions
from emulator.model import BindingModel, FunctionModel, Problem, Severity
from emulator.registry import Registered
from emulator.sdk import Binding, Deviation, Options

_NAME_SETTINGS = frozenset(
    {"connection", "connectionstringsetting", "apikey", "accountsid", "authtoken"}
)
"""Properties whose value is the name of a setting, as the official tools know them."""

_EVERYWHERE = ("name", "type", "direction", "dataType", "properties")
"""What any binding may have."""


def notices(
    function: FunctionModel,
    registered: Registered,
    options: BoundOptions,
    binding: Binding[Any],
    *,
    settings: Settings,
) -> Iterable[Problem]:
    """Tell what a binding was given although Azure would not, and what it will lack."""
    declared = binding.declared
    for each in _warnings(declared, registered, options, binding):
        yield _problem(each, function, Severity.WARNING)
    for each in _notes(declared, registered, settings):
        yield _problem(each, function, Severity.INFO)
    for each in binding.deviations():
        yield _problem(each, function, Severity.INFO)


def _problem(found: Deviation, function: FunctionModel, severity: Severity) -> Problem:
    return Problem(
        code=found.code,
        message=found.message,
        severity=severity,
        where=None if found.whole_app else function.source,
        hint=found.hint or None,
        function=None if found.whole_app else function.name,
        azure=found.azure or None,
        to_fill_in=found.to_fill_in,
    )


def _warnings(
    declared: BindingModel, registered: Registered, options: BoundOptions, binding: Binding[Any]
) -> Iterable[Deviation]:
    if registered.is_alias:
        yield Deviation(
            "binding-type-alias",
            f"The binding '{declared.name}' has the type '{declared.type}', which Azure does "
            f"not know; it is treated as '{registered.kind.type_name}'.",
            azure=f"The binding type '{declared.type}' is not found, and the function is in error.",
            hint=f"Write '{registered.kind.type_name}' before you deploy.",
        )
    for old, new in options.aliases:
        yield Deviation(
            "binding-property-alias",
            f"The property '{old}' of the binding '{declared.name}' is now called '{new}'; "
            "its value is used.",
            azure=_without(registered.kind.options_type, new),
            hint=f"Write '{new}': today's extension ignores '{old}'.",
        )
    for error in options.errors:
        yield Deviation(
            "expression-unresolved",
            f"{error} (binding '{declared.name}')",
            azure="Nothing is said at the start, and every call of the function fails with 500.",
            hint=error.hint or "",
        )
    yield from _misspelt(declared, registered)
    for name in binding.missing_names():
        yield Deviation(
            "setting-missing",
            f"The binding '{declared.name}' needs the setting '{name}', which does not exist.",
            azure="The calls that need it fail, unless the app settings have it.",
            hint="Add it to Values in local.settings.json or to the environment.",
        )


def _misspelt(declared: BindingModel, registered: Registered) -> Iterable[Deviation]:
    """Tell of properties that nobody reads and that are nearly one that is read."""
    known = _known_properties(registered)
    lowered = {*_NAME_SETTINGS, *(each.lower() for each in known)}
    for key in declared.properties:
        near = None if key.lower() in lowered else did_you_mean(key, known)
        if near is not None:
            yield Deviation(
                "binding-property-unknown",
                f"The binding '{declared.name}' of type '{declared.type}' has no property "
                f"'{key}'; it is ignored, here and on Azure.",
                azure="",  # the same happens there
                hint=near,
            )


def _unknown(declared: BindingModel, registered: Registered) -> Iterable[Deviation]:
    known = _known_properties(registered)
    lowered = {*_NAME_SETTINGS, *(each.lower() for each in known)}
    for key in declared.properties:
        if key.lower() not in lowered and did_you_mean(key, known) is None:
            yield Deviation(
                "binding-property-unknown",
                f"The property '{key}' of the binding '{declared.name}' of type "
                f"'{declared.type}' is not read here",
                azure="",
                hint=f"Properties: {', '.join(known)}." if known else "The type has none.",
            )


def _known_properties(registered: Registered) -> list[str]:
    own = [each.encode_name for each in msgspec.structs.fields(registered.kind.options_type)]
    return [*own, *registered.kind.option_aliases, *_EVERYWHERE]


def _without(kind: type[Options], name: str) -> str:
    """Say what Azure does, as it ignores the old spelling of a property."""
    required = any(
        each.required and each.encode_name.lower() == name.lower()
        for each in msgspec.structs.fields(kind)
    )
    if required:
        return f"It is ignored, and without '{name}' the function is in error."
    return f"It is ignored: '{name}' has its default."


def _notes(
    declared: BindingModel, registered: Registered, settings: Settings
) -> Iterable[Deviation]:
    if not registered.is_alias and not is_official(declared.type):
        yield Deviation(
            "binding-type-local",
            f"The type '{declared.type}' of the binding '{declared.name}' comes from the package "
            f"'{registered.package}' and exists on this machine only",
            azure="The binding type is not found, and the function is in error.",
            hint="Use a type that an extension of Azure has before you deploy.",
        )
    yield from _unknown(declared, registered)
    for key, value in declared.properties.items():
        if key.lower() not in _NAME_SETTINGS or not isinstance(value, str):
            continue
        if value and "%" not in value and not connection(settings, value).exists:
            yield Deviation(
                "connection-missing",
                f"The property '{key}' of the binding '{declared.name}' names the setting "
                f"'{value}', which does not exist",
                azure="A trigger fails indexing without it; with any other binding the calls fail.",
                hint=f'Add "{value}" to Values of local.settings.json, and to the app settings on '
                "Azure.",
            )
