"""Which function answers a request: match, order, conflicts, routes that are never reached."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Generic, Literal, NamedTuple, TypeVar

from emulator.errors import RouteError
from emulator.model import Problem, Severity
from emulator.routing.coverage import covers
from emulator.routing.matcher import Matcher, Values
from emulator.routing.template import Parameter, Segment, Template, parse_template

T = TypeVar("T")

Precedence = Literal["name", "specificity"]

_ESCAPES = r"(?:%[0-9a-fA-F]{2})+"
_RESERVED = ("admin", "runtime")
_WHOLE_HOST = "The whole host fails to start, with every function of the app, and keeps trying."


class RouteEntry(NamedTuple, Generic[T]):
    """A route a function wants.

    `template` is complete, `own` the part the function declares (before the prefix); `methods`
    are upper-case, `None` means all; `written` are the methods as declared.
    """

    name: str
    template: str
    methods: frozenset[str] | None
    target: T
    own: str | None = None
    written: frozenset[str] | None = None


class Match(NamedTuple, Generic[T]):
    """What answers, and its route values; an absent optional parameter is `None`."""

    target: T
    values: Values


class _Route(NamedTuple, Generic[T]):
    entry: RouteEntry[T]
    template: Template
    matcher: Matcher
    literal: Match[T] | None


class RouteTable(Generic[T]):
    """The routes of one load of the app. The first that matches path and method answers."""

    def __init__(self, routes: Sequence[_Route[T]]) -> None:
        self.entries = tuple(route.entry for route in routes)
        self._by_head = _by_head(routes)
        self._by_path = {
            path: tuple(each for each in self._near(path) if each.matcher.match(path) is not None)
            for path in {"/".join(_head(route, 99)) for route in routes if route.literal}
        }

    @classmethod
    def build(
        cls, entries: Iterable[RouteEntry[T]], *, precedence: Precedence = "name"
    ) -> tuple[RouteTable[T], list[Problem]]:
        """Make a table of the routes that can be used; the others are problems.

        Routes are tried in the order of their functions' names, or by specificity first.
        """
        problems: list[Problem] = []
        routes: list[_Route[T]] = []
        entries = list(entries)
        for entry in sorted(entries, key=lambda entry: entry.name.lower()):
            try:
                template = parse_template(_trimmed(entry.template))
                _check(entry, routes)
            except RouteError as error:
                problems.append(_problem(entry, error))
                continue
            values: Values = {}
            literal = Match(entry.target, values) if template.is_literal else None
            routes.append(_Route(entry, template, Matcher(template), literal))
            problems += _trimmed_slashes(entry)
        unreachable = list(_unreachable(routes))
        if precedence == "specificity":
            hidden = [_only_here(each) for each in unreachable]
            routes.sort(key=lambda route: [_rank(each) for each in route.template.segments])
            unreachable = list(_unreachable(routes))
            here = {each.function for each in unreachable}
            unreachable += [each for each in hidden if each.function not in here]
        return cls(routes), problems + unreachable

    def match(self, method: str, path: str) -> Match[T] | None:
        """Find what answers `method` on `path`, the raw path of the URL with its first `/`."""
        path = (decoded(path) if "%" in path else path)[1:]
        lowered = path.lower()
        method = method.upper()
        exact = self._by_path.get(lowered) or self._by_path.get(lowered.removesuffix("/"))
        for route in exact or self._near(lowered):
            methods = route.entry.methods
            if methods is not None and method not in methods:
                continue
            if route.literal is not None:
                if exact:
                    return route.literal
                continue
            values = route.matcher.match(path)
            if values is not None:
                return Match(route.entry.target, values)
        return None

    def _near(self, lowered: str) -> tuple[_Route[T], ...]:
        """Return the routes whose first literal segments are those of the path, in order."""
        parts = lowered.split("/", 2)
        for count in (2, 1):
            found = self._by_head.get(tuple(parts[:count]))
            if found is not None:
                return found
        return self._by_head[()]


def decoded(path: str) -> str:
    """Decode percent-escapes, but for `%2F`, which never separates segments."""
    return re.sub(_ESCAPES, _decode, path)


def _decode(found: re.Match[str]) -> str:
    pieces = re.split(r"(%2[fF])", found[0])
    return "".join(piece if piece in {"%2f", "%2F"} else _decode_run(piece) for piece in pieces)


def _decode_run(text: str) -> str:
    try:
        return bytes.fromhex(text.replace("%", "")).decode()
    except UnicodeDecodeError:
        return text  # not UTF-8: stays as it came


def _head(route: _Route[T], longest: int) -> tuple[str, ...]:
    """Return the first segments of a route that are literal, lower-case."""
    head: list[str] = []
    for segment in route.template.segments[:longest]:
        if len(segment) != 1 or not isinstance(segment[0], str):
            break
        head.append(segment[0].lower())
    return tuple(head)


def _by_head(routes: Sequence[_Route[T]]) -> dict[tuple[str, ...], tuple[_Route[T], ...]]:
    heads = [(_head(route, 2), route) for route in routes]
    keys = {head[:count] for head, _ in heads for count in range(len(head) + 1)} | {()}
    return {key: tuple(route for head, route in heads if head == key[: len(head)]) for key in keys}


def _trimmed(template: str) -> str:
    return template.removeprefix("~/").strip("/")


def _check(entry: RouteEntry[T], routes: Sequence[_Route[T]]) -> None:
    own = (entry.template if entry.own is None else entry.own).strip("/").lower()
    if own.startswith(_RESERVED):
        raise RouteError(
            "The specified route conflicts with one or more built in routes.",
            hint="A route cannot start with 'admin' or 'runtime'.",
            code="route-reserved",
        )
    complete = _trimmed(entry.template).lower()
    for other in (route.entry for route in routes):
        if _trimmed(other.template).lower() == complete and _intersect(entry, other):
            raise RouteError(
                f"The route specified conflicts with the route defined by function '{other.name}'.",
                hint="Give it another route, or methods of its own.",
                code="route-conflict",
                azure=_unseen(entry, other),
            )


def _unseen(entry: RouteEntry[T], other: RouteEntry[T]) -> str | None:
    """Say what becomes of two routes whose methods differ only in case."""
    if not entry.written or not other.written or entry.written & other.written:
        return None
    one, two = min(entry.written), min(other.written)
    return (
        f"Methods are compared with case ('{one}', '{two}'), so no conflict is seen: both "
        f"functions are there, and '{entry.name}' is never called."
    )


def _trimmed_slashes(entry: RouteEntry[T]) -> Iterable[Problem]:
    """Tell of slashes around a route that are left out here."""
    own = entry.own or ""
    prefixed = _trimmed(entry.template).lower() != own.strip("/").lower()
    if own.startswith("/" if prefixed else "//") or own.endswith("//"):
        wanted = own.strip("/")
        yield Problem(
            "route-leading-slash",
            f"The route '{own}' of function '{entry.name}' is taken as '{wanted}'",
            severity=Severity.INFO,
            hint=(f"Write '{wanted}', or set" if wanted else "Set")
            + " routePrefix in host.json to an empty text.",
            function=entry.name,
            azure=_WHOLE_HOST,
        )


def _intersect(one: RouteEntry[T], other: RouteEntry[T]) -> bool:
    if one.methods is None or other.methods is None:
        return True
    return bool(one.methods & other.methods)


def _problem(entry: RouteEntry[T], error: RouteError) -> Problem:
    message = error.message
    azure = error.azure
    if error.code == RouteError.code:
        azure = _WHOLE_HOST
        message = (
            f"An error occurred while creating the route with name '{entry.name}' and template "
            f"'{entry.template}'. {message}."
        )
    return Problem(error.code, message, hint=error.hint, function=entry.name, azure=azure)


def _rank(segment: Segment) -> int:
    """Return how specific a segment is, as ASP.NET ranks them; less is more specific."""
    part = segment[0]
    if len(segment) > 1:
        return 2
    if not isinstance(part, Parameter):
        return 1
    if part.catch_all:
        return 4 if part.checks else 5
    return 2 if part.checks else 3


def _unreachable(routes: Sequence[_Route[T]]) -> Iterable[Problem]:
    for position, route in enumerate(routes):
        entry = route.entry
        if _trimmed(entry.template).lower().startswith(tuple(f"{each}/" for each in _RESERVED)):
            yield _warning(
                entry, "the path belongs to the host", hint="Change routePrefix in host.json."
            )
            continue
        if entry.methods is not None and not entry.methods:
            yield _warning(
                entry, "its list of methods is empty", hint="Leave 'methods' out for all."
            )
            continue
        earlier = [each for each in routes[:position] if covers(each.template, route.template)]
        taken = _taken_by(entry, [each.entry for each in earlier])
        if taken:
            names = ", ".join(f"'{each.name}' ({each.template})" for each in taken)
            yield _warning(
                entry,
                f"every request for it goes to {names}",
                hint="Functions are tried in the order of their names. Rename one, narrow the "
                "wider route, or start with --route-precedence specificity.",
            )


def _taken_by(entry: RouteEntry[T], earlier: Sequence[RouteEntry[T]]) -> list[RouteEntry[T]]:
    """Return the entries that together answer all methods of `entry`, or nothing."""
    for each in earlier:
        if each.methods is None or (entry.methods is not None and entry.methods <= each.methods):
            return [each]
    if entry.methods is None:
        return []
    taken = [each for each in earlier if each.methods and each.methods & entry.methods]
    answered = frozenset[str]().union(*(each.methods or () for each in taken))
    return taken if entry.methods <= answered else []


def _warning(entry: RouteEntry[T], reason: str, *, hint: str) -> Problem:
    return Problem(
        "route-unreachable",
        f"The route '{entry.template}' of function '{entry.name}' can never be reached: {reason}",
        severity=Severity.WARNING,
        hint=hint,
        function=entry.name,
        azure=f"The same: '{entry.name}' is never called.",
    )


def _only_here(problem: Problem) -> Problem:
    """Turn what is true of the order of names into what is true on Azure only."""
    return replace(
        problem,
        message=f"Function '{problem.function}' is reached because of --route-precedence "
        "specificity",
        severity=Severity.INFO,
        hint="Rename one of the functions, or narrow the wider route.",
        azure=f"{problem.message}.",
    )
