"""What the host checks of a function, whichever way it was declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

from emulator.model import BindingModel, Direction, Problem, SourceSpan

Place = Callable[[tuple[str | int, ...]], SourceSpan | None]
"""Tells where a part of a function's declaration stands: `("bindings", 0, "name")`."""

DataType = Literal["string", "binary", "stream"]

_LEFT_OUT = "The function is left out there as well, and its address answers 404."

_FUNCTION_NAME = r"[a-zA-Z][a-zA-Z0-9_\-]{0,127}"
_BINDING_NAME = r"[a-zA-Z_][a-zA-Z0-9_]{0,127}"


class Declared(NamedTuple):
    """The bindings of one function as declared, and how to say where they stand."""

    function: str
    bindings: Sequence[Mapping[str, Any]]
    place: Place

    def problem(
        self,
        code: str,
        message: str,
        *,
        path: tuple[str | int, ...] = (),
        hint: str | None = None,
        azure: str | None = None,
    ) -> Problem:
        where = self.place(path)
        return Problem(code, message, where=where, hint=hint, function=self.function, azure=azure)


def name_problem(name: str, where: SourceSpan | None) -> Problem | None:
    """Check the name of a function."""
    if re.fullmatch(_FUNCTION_NAME, name) and name.lower() != "host":
        return None
    return Problem(
        "function-name-invalid",
        f"'{name}' is not a valid function name.",
        where=where,
        hint="It starts with a letter, goes on with letters, digits, _ and -, has at most 128 of "
        "them, and is not 'host'.",
        function=name,
        azure=_LEFT_OUT,
    )


def read_bindings(declared: Declared) -> tuple[tuple[BindingModel, ...], list[Problem]]:
    """Turn raw entries into bindings, and say everything that is wrong with them."""
    if not declared.bindings:
        return (), [
            declared.problem(
                "bindings-missing",
                "At least one binding must be declared.",
                hint="A function needs a trigger.",
            )
        ]
    problems: list[Problem] = []
    bindings = []
    for index, entry in enumerate(declared.bindings):
        binding = _binding(declared, index, entry, problems)
        if binding is not None:
            bindings.append((index, binding))
    problems += _duplicates(declared, bindings)
    if not problems:
        # With an unreadable binding the count of triggers would be a second, false complaint.
        problems += _triggers(declared, [binding for _, binding in bindings])
    return tuple(binding for _, binding in bindings), problems


def member(entry: Mapping[str, Any], name: str) -> Any:
    """Return a property; names are compared without case."""
    if name in entry:
        return entry[name]
    wanted = name.lower()
    return next((value for key, value in entry.items() if str(key).lower() == wanted), None)


def key_of(entry: Mapping[str, Any], name: str) -> str:
    """Return a property's name as written."""
    wanted = name.lower()
    return next((str(key) for key in entry if str(key).lower() == wanted), name)


def _binding(
    declared: Declared, index: int, entry: object, problems: list[Problem]
) -> BindingModel | None:
    if not isinstance(entry, Mapping):
        problems.append(
            declared.problem(
                "binding-invalid", "A binding is not an object.", path=("bindings", index)
            )
        )
        return None
    before = len(problems)
    name, kind = member(entry, "name"), member(entry, "type")

    def complain(
        code: str,
        message: str,
        *,
        key: str,
        hint: str | None = None,
        azure: str | None = None,
    ) -> None:
        path = ("bindings", index, key_of(entry, key))
        problems.append(declared.problem(code, message, path=path, hint=hint, azure=azure))

    if not isinstance(name, str) or not _is_binding_name(name):
        shown = "" if name is None else name
        complain(
            "binding-name-invalid",
            f"The binding name {shown} is invalid. Please assign a valid name to the binding.",
            key="name",
            hint="Use letters, digits and single underscores, no digit first; or $return.",
            azure=_LEFT_OUT,
        )
    if not isinstance(kind, str) or not kind.strip():
        complain(
            "binding-type-missing",
            f"Binding '{name}' is invalid. Bindings must specify a Type.",
            key="type",
            hint="Add a type, such as httpTrigger.",
        )
    direction = _direction(member(entry, "direction"), complain)
    if name == "$return" and direction is not Direction.OUT and len(problems) == before:
        complain(
            "binding-return-direction",
            "$return bindings must specify a direction of 'out'.",
            key="direction",
        )
    data_type = _data_type(member(entry, "dataType"), complain)
    _check_cardinality(member(entry, "cardinality"), complain)
    if len(problems) > before or direction is None:
        return None
    return BindingModel(str(name), str(kind).strip(), direction, data_type, dict(entry))


def _is_binding_name(name: str) -> bool:
    # Hosts before 4.1038 refused every underscore; newer ones refuse only two in a row.
    return name == "$return" or (re.fullmatch(_BINDING_NAME, name) is not None and "__" not in name)


def _direction(given: object, complain: Callable[..., None]) -> Direction | None:
    text = "in" if given is None else str(given).lower()
    if text == "inout":
        complain(
            "binding-direction-inout",
            '"inout" bindings are not supported',
            key="direction",
            hint="Declare one binding with the direction in and another one with out.",
            azure="The function keeps its address, and every call of it fails with 500.",
        )
        return None
    try:
        return Direction(text)
    except ValueError:
        complain(
            "binding-direction-invalid",
            f"'{given}' is not a valid binding direction.",
            key="direction",
            hint="Use in or out.",
        )
        return None


def _data_type(given: object, complain: Callable[..., None]) -> DataType | None:
    text = "undefined" if given is None else str(given).lower()
    if text == "undefined":
        return None
    if text in {"string", "binary", "stream"}:
        return cast(DataType, text)
    complain(
        "binding-data-type-invalid",
        "Error parsing function.json: Invalid value specified for binding property 'dataType' "
        "of enum type DataType.",
        key="dataType",
        hint=f"'{given}' is given; use string, binary or stream.",
    )
    return None


def _check_cardinality(given: object, complain: Callable[..., None]) -> None:
    if given is not None and str(given).lower() not in {"one", "many"}:
        complain(
            "binding-cardinality-invalid",
            "Error parsing function.json: Invalid value specified for binding property "
            "'cardinality' of enum type Cardinality.",
            key="cardinality",
            hint=f"'{given}' is given; use one or many.",
        )


def _duplicates(
    declared: Declared, bindings: Iterable[tuple[int, BindingModel]]
) -> Iterable[Problem]:
    seen: set[str] = set()
    for index, binding in bindings:
        if binding.name.lower() in seen:
            yield declared.problem(
                "binding-name-duplicate",
                f"Multiple bindings with name '{binding.name}' discovered. "
                "Binding names must be unique.",
                path=("bindings", index, "name"),
            )
        seen.add(binding.name.lower())


def _triggers(declared: Declared, bindings: Sequence[BindingModel]) -> Iterable[Problem]:
    triggers = [index for index, binding in enumerate(bindings) if binding.is_trigger]
    if len(triggers) > 1:
        yield declared.problem(
            "trigger-multiple",
            "Multiple trigger bindings defined. A function can only have a single trigger binding.",
            path=("bindings", triggers[1]),
            hint="Make a function of its own for each trigger.",
        )
    elif not triggers:
        yield declared.problem(
            "trigger-missing",
            "No trigger binding specified. A function must have a trigger input binding.",
            path=("bindings",),
            hint="A trigger has a type that ends in 'Trigger', and the direction in.",
        )
