"""A binding's JSON entry to its options struct: parsed once, expressions resolved per call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from emulator import expressions
from emulator.errors import BindingError, ExpressionError
from emulator.expressions import Expression
from emulator.model import BindingModel
from emulator.sdk import Options
from emulator.sdk.options import ExpressionMark


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What expressions may ask for at one call."""

    data: Mapping[str, Any]
    now: Callable[[], datetime]
    random_id: Callable[[], str]
    method_name: str


@dataclass(frozen=True, slots=True)
class BoundOptions:
    """`constant` holds what needs no call; `open` the fields that do, or why they cannot."""

    constant: Options
    open: Mapping[str, Expression | ExpressionError] = field(default_factory=dict)
    aliases: tuple[tuple[str, str], ...] = ()
    """Old names that were used, each with the name that counts now."""

    @property
    def errors(self) -> tuple[ExpressionError, ...]:
        return tuple(each for each in self.open.values() if isinstance(each, ExpressionError))

    def resolve(self, evaluation: Evaluation) -> Options:
        """Replace every expression; raise the `ExpressionError` of the first that fails."""
        values = {}
        for name, expression in self.open.items():
            if isinstance(expression, ExpressionError):
                raise expression
            values[name] = expression.resolve(
                evaluation.data,
                now=evaluation.now,
                random_id=evaluation.random_id,
                method_name=evaluation.method_name,
            )
        return msgspec.structs.replace(self.constant, **values)


@dataclass(frozen=True, slots=True)
class OptionsField:
    name: str
    json_name: str
    kind: Any
    mark: ExpressionMark | None
    required: bool
    nullable: bool


def bind_options(
    kind: type[Options],
    declared: BindingModel,
    *,
    aliases: Mapping[str, str],
    setting: Callable[[str], str | None],
) -> BoundOptions:
    """Fill `kind` from the declared entry.

    Raises `BindingError` with the official host's wording when a required property is missing or
    a value has the wrong shape. An expression that cannot work is kept as its error: it fails the
    calls, not the load.
    """
    given = {name.lower(): value for name, value in declared.properties.items()}
    used = _apply_aliases(given, aliases)
    values: dict[str, Any] = {}
    open_fields: dict[str, Expression | ExpressionError] = {}
    for each in fields_of(kind):
        value = given.get(each.json_name.lower())
        if value is None:
            present = each.json_name.lower() in given
            if each.required:
                raise _cannot_configure(
                    declared, f"Its property '{each.json_name}' is required.", "ctor"
                )
            if present and each.nullable:
                values[each.name] = None
            continue
        converted = _convert(value, each, declared)
        if each.mark is not None and isinstance(converted, str):
            expression = _expression(converted, each.mark, setting)
            if isinstance(expression, str):
                converted = expression
            else:
                open_fields[each.name] = expression
        values[each.name] = converted
    return BoundOptions(kind(**values), open_fields, tuple(used))


def _apply_aliases(given: dict[str, Any], aliases: Mapping[str, str]) -> list[tuple[str, str]]:
    used = []
    for old, new in aliases.items():
        if old.lower() in given and given.get(new.lower()) is None:
            given[new.lower()] = given[old.lower()]
            used.append((old, new))
    return used


def _expression(
    text: str, mark: ExpressionMark, setting: Callable[[str], str | None]
) -> str | Expression | ExpressionError:
    if "%" not in text and not (mark.data and ("{" in text or "}" in text)):
        return text
    try:
        text = expressions.substitute_settings(text, setting)
        if not mark.data:
            return text
        parsed = expressions.parse(text)
    except ExpressionError as error:
        return error
    return "".join(map(str, parsed.pieces)) if parsed.is_constant else parsed


@cache
def fields_of(kind: type[Options]) -> tuple[OptionsField, ...]:
    """Return what is known of each field of an options struct."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        OptionsField(
            name=each.name,
            json_name=each.encode_name,
            kind=each.type,
            mark=_mark(hints[each.name]),
            required=each.required,
            nullable=type(None) in get_args(each.type),
        )
        for each in msgspec.structs.fields(kind)
    )


def _mark(hint: Any) -> ExpressionMark | None:
    """Find the mark of a field, also below `| None`."""
    for argument in getattr(hint, "__metadata__", ()):
        if isinstance(argument, ExpressionMark):
            return argument
    for argument in get_args(hint):
        found = _mark(argument)
        if found is not None:
            return found
    return None


def _convert(value: Any, target: OptionsField, declared: BindingModel) -> Any:
    wants_text = target.mark is not None or str in (target.kind, *get_args(target.kind))
    if wants_text and isinstance(value, bool):
        return "true" if value else "false"
    if wants_text and isinstance(value, (int, float)):
        return str(value)
    if wants_text and isinstance(value, str):
        return value
    try:
        if isinstance(value, str) and bool in (target.kind, *get_args(target.kind)):
            value = value.strip().lower()
        return msgspec.convert(value, target.kind, strict=False)
    except msgspec.ValidationError as error:
        raise _cannot_configure(
            declared, f"Its property '{target.json_name}' has the value {value!r}: {error}.", ""
        ) from error


def _cannot_configure(declared: BindingModel, hint: str, kind: str) -> BindingError:
    message = (
        f"Unable to configure binding '{declared.name}' of type '{declared.type}'. "
        "This may indicate invalid function.json properties."
    )
    if kind == "ctor":
        message += " Can't figure out which ctor to call."
    return BindingError(message, hint=hint, code="binding-options-invalid")
