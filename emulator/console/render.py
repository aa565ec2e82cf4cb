"""A problem, a failure and a duration as text for people; with colour when asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from emulator.console.advice import advice
from emulator.events import InvocationFinished
from emulator.model import FunctionError, Problem, Severity, SourceSpan

_CODES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}
_LONGEST = 200
_SEVERITY_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


class Palette:
    """Colours text, or leaves it alone."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, *styles: str) -> str:
        if not self._colour or not styles or not text:
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"


def problem_lines(problem: Problem, paint: Palette, *, azure: bool = False) -> Iterable[str]:
    """What, where, why, what to do: the same text wherever a problem is shown.

    With `azure` also what would happen there, for those who asked for it.
    """
    label = paint(problem.severity.value, _SEVERITY_COLOURS[problem.severity], "bold")
    yield f"{label}: {_message(problem)} {paint(f'[{problem.code}]', 'dim')}"
    if problem.where is not None:
        yield f"  {paint('at', 'dim')} {problem.where}"
    if problem.detail:
        yield from (f"  {line}" for line in problem.detail.rstrip().splitlines())
    if azure and problem.azure:
        yield f"  {paint('On Azure:', 'dim')} {problem.azure}"
    if problem.hint:
        yield f"  {paint('→', 'dim')} {problem.hint}"


def _message(problem: Problem) -> str:
    """Name the function that is lost in the official host's words, unless the message does."""
    name = problem.function
    if problem.severity is not Severity.ERROR or not name or f"'{name}'" in problem.message:
        return problem.message
    return f"The '{name}' function is in error: {problem.message}"


def together(problems: Iterable[Problem]) -> list[Problem]:
    """Tell a problem that several functions have in the same words only once, at all its places."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for each in problems:
        words = (each.code, each.severity, each.message, each.hint, each.detail, each.azure)
        groups.setdefault(words, []).append(each)
    return [_merged(group) for group in groups.values()]


def _merged(group: list[Problem]) -> Problem:
    first = group[0]
    places = dict.fromkeys(str(each.where) for each in group if each.where is not None)
    if len(places) < 2:
        return first
    return replace(first, where=SourceSpan(", ".join(places)), function=None)


def verdict(problems: Iterable[Problem]) -> str:
    """Count what was found, for the line under a list of problems."""
    errors = warnings = findings = to_fill_in = 0
    for problem in problems:
        errors += problem.severity is Severity.ERROR
        findings += problem.is_finding and problem.severity is not Severity.ERROR
        warnings += not problem.is_finding and problem.severity is Severity.WARNING
        to_fill_in += problem.to_fill_in and not problem.is_finding
    counts = [
        (errors, "error", "errors"),
        (findings, "difference from Azure", "differences from Azure"),
        (warnings, "warning", "warnings"),
        (to_fill_in, "thing to fill in", "things to fill in"),
    ]
    return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n) + "."


def failure_lines(error: FunctionError) -> Iterable[str]:
    """The form people search the web for: the exception on a line by itself, then its stack.

    Further lines stand further in: what a request said and the exception repeats cannot look like
    a line of ours.
    """
    title, *more = error.title.splitlines() or [""]
    yield f"Exception: {title}"
    yield from (f"  {line}" for line in more)
    first, *rest = error.shown_stack.splitlines() or [""]
    if first and (rest or not first.endswith(error.title)):  # else it is that line again
        yield f"Stack: {first}"
        yield from (f"  {line}" for line in rest)
    next_step = advice(error)
    if next_step:
        yield f"→ {next_step}"


def call_line(call: InvocationFinished, depth: int, paint: Palette) -> str:
    """A call that another one made, with what it was called for; deeper calls stand further in."""
    detail = f" {one_line(call.detail)}" if call.detail else ""
    took = f"({duration(call.duration)})"
    mark = f"{'  ' * depth}{paint('↳', 'dim')}"
    if call.error is None:
        return f"{mark} {call.function}{paint(detail, 'cyan')} {took}"
    failure = paint(f"failed: {one_line(call.error.title)}", "red")
    return f"{mark} {call.function}{paint(detail, 'cyan')} {failure} {took}"


def one_line(text: str) -> str:
    """Return a text as it fits into a line among others."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}…"


def duration(seconds: float) -> str:
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
