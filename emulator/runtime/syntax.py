"""A look at changed Python files before a worker is bothered with them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from emulator.model import Problem, SourceSpan


def syntax_problems(files: Iterable[Path], root: Path) -> list[Problem]:
    """Compile each file; return what keeps it from being imported. Missing files are fine."""
    problems = []
    for file in sorted(files):
        if file.suffix != ".py":
            continue
        try:
            source = file.read_bytes()
        except OSError:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the worker will show them
                compile(source, str(file), "exec", dont_inherit=True)
        except SyntaxError as error:
            problems.append(_problem(error, file, root))
        except ValueError as error:  # null bytes
            problems.append(_problem(SyntaxError(str(error)), file, root))
    return problems


def _problem(error: SyntaxError, file: Path, root: Path) -> Problem:
    shown = file.relative_to(root) if file.is_relative_to(root) else file
    line = (error.text or "").rstrip("\n")
    detail = None
    if line.strip():
        column = max((error.offset or 1) - 1, 0)
        indent = len(line) - len(line.lstrip())
        detail = f"{line.strip()}\n{' ' * max(column - indent, 0)}^"
    return Problem(
        code="app-import-failed",
        message=f"{type(error).__name__}: {error.msg}",
        where=SourceSpan(str(shown), error.lineno, error.offset),
        detail=detail,
        hint="Mend it and save; until then the last good version answers.",
    )
