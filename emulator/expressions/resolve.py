"""Values for a parsed expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from emulator.errors import ExpressionError
from emulator.expressions.formats import format_date, format_guid, format_number

BuiltIn = Literal["datetime", "guid", "sys"]

_DEFAULT_DATE = "yyyy-MM-ddTHH-mm-ssK"


class Reference(NamedTuple):
    """One `{first.member…:format}`; `built_in` says what answers when the data does not."""

    first: str
    members: tuple[str, ...] = ()
    format: str | None = None
    built_in: BuiltIn | None = None


Piece = str | Reference


@dataclass(frozen=True, slots=True)
class Expression:
    """A text with references in it; what is put in is never scanned again."""

    source: str
    pieces: tuple[Piece, ...] = field(compare=False)

    @property
    def is_constant(self) -> bool:
        return all(isinstance(piece, str) for piece in self.pieces)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a trigger's data has to answer, in order; built-in ones left out."""
        return tuple(
            dict.fromkeys(
                piece.first
                for piece in self.pieces
                if isinstance(piece, Reference) and piece.built_in is None
            )
        )

    def resolve(
        self,
        data: Mapping[str, Any],
        *,
        now: Callable[[], datetime],
        random_id: Callable[[], str],
        method_name: str,
    ) -> str:
        """Return the text with every reference replaced; raise `ExpressionError`."""
        text = "".join(
            piece
            if isinstance(piece, str)
            else _text(piece, data, now=now, random_id=random_id, method_name=method_name)
            for piece in self.pieces
        )
        # JSON may hold half a surrogate pair, which can be neither stored nor sent.
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def text_of(value: object, format: str | None = None) -> str:
    """Return the text of a value: nothing for null, objects and lists."""
    match value:
        case str():
            return value
        case bool():
            return "True" if value else "False"
        case int():
            return str(value)
        case float():
            return format_number(value)
        case datetime():
            return format_date(value, format or _DEFAULT_DATE)
        case _:
            # Other modules make UUIDs; importing the class here would cost start-up time.
            if type(value).__name__ == "UUID":
                return format_guid(str(value), format or "D")
            return ""


def _text(
    reference: Reference,
    data: Mapping[str, Any],
    *,
    now: Callable[[], datetime],
    random_id: Callable[[], str],
    method_name: str,
) -> str:
    found, value = _member(data, reference.first)
    path = reference.first
    if not found:
        match reference.built_in:
            case "guid":
                return format_guid(random_id(), reference.format or "D")
            case "datetime":
                return format_date(now(), reference.format or _DEFAULT_DATE)
            case "sys":
                return _system(reference, now=now, random_id=random_id, method_name=method_name)
            case None:
                raise ExpressionError(
                    f"No value for named parameter '{reference.first}'.", hint=_known(data)
                )
    for member in reference.members:
        found, inner = _member(value, member)
        if not found:
            raise _no_member(member, _only(path, value, member))
        path, value = f"{path}.{member}", inner
    return text_of(value, reference.format)


def _system(
    reference: Reference,
    *,
    now: Callable[[], datetime],
    random_id: Callable[[], str],
    method_name: str,
) -> str:
    if not reference.members:
        return ""
    match [member.lower() for member in reference.members]:
        case ["methodname"]:
            return method_name
        case ["utcnow"]:
            return format_date(now(), reference.format or _DEFAULT_DATE)
        case ["randguid"]:
            return format_guid(random_id(), reference.format or "D")
    unknown = reference.members[0]
    if unknown.lower() in {"methodname", "utcnow", "randguid"}:
        unknown = reference.members[1]
    raise _no_member(unknown)


def _member(value: object, name: str) -> tuple[bool, Any]:
    """Look a name up: as written, then without regard to case."""
    if isinstance(value, Mapping):
        if name in value:
            return True, value[name]
        wanted = name.lower()
        for key in value:
            if isinstance(key, str) and key.lower() == wanted:
                return True, value[key]
    return False, None


def _no_member(member: str, hint: str | None = None) -> ExpressionError:
    return ExpressionError(f"Error while accessing '{member}': property doesn't exist.", hint=hint)


def _only(path: str, value: object, member: str) -> str:
    """Say what there is instead of the member; of a request, how to send it."""
    names = sorted(map(str, value)) if isinstance(value, Mapping) else []
    there = f"'{path}' has {', '.join(names) if names else 'no members'} in this call."
    if path.lower() == "query":
        return f"{there} Add ?{member}=… to the address of the request."
    return there


def _known(data: Mapping[str, Any]) -> str:
    names = sorted(str(name) for name in data if not str(name).startswith("$"))
    if not names:
        return "The trigger gave no values to refer to."
    return f"The trigger gave: {', '.join([*names, 'sys'] if 'sys' not in names else names)}."
