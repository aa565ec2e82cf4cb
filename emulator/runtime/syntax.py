"""A look at changed files of code before a worker is bothered with them."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable
from pathlib import Path

from emulator.model import FunctionError, Problem, SourceSpan
from emulator.workers.node import parse_error

_HINT = "Mend it and save; until then the last good version answers."
_SCRIPTS = frozenset({".js", ".mjs", ".cjs"})
_MOST = 8
"""Files looked at; who changes more at once has not typed them."""


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


async def script_problems(files: Iterable[Path], root: Path, node: Path) -> list[Problem]:
    """As above, for JavaScript. It costs a process per file, so it is for apps made of folders:
    others fail to load as a whole anyway."""
    scripts = [file for file in sorted(files) if file.suffix in _SCRIPTS and file.is_file()]
    errors = await asyncio.gather(*(parse_error(node, file) for file in scripts[:_MOST]))
    return [_script_problem(error, root) for error in errors if error is not None]


def _script_problem(error: FunctionError, root: Path) -> Problem:
    file = Path(error.file or "")
    return Problem(
        code="app-import-failed",
        message=error.title,
        where=SourceSpan(_shown(file, root), error.line),
        detail=error.stack or None,
        hint=_HINT,
    )


def _problem(error: SyntaxError, file: Path, root: Path) -> Problem:
    line = (error.text or "").rstrip("\n")
    detail = None
    if line.strip():
        column = max((error.offset or 1) - 1, 0)
        indent = len(line) - len(line.lstrip())
        detail = f"{line.strip()}\n{' ' * max(column - indent, 0)}^"
    return Problem(
        code="app-import-failed",
        message=f"{type(error).__name__}: {error.msg}",
        where=SourceSpan(_shown(file, root), error.lineno, error.offset),
        detail=detail,
        hint=_HINT,
    )


def _shown(file: Path, root: Path) -> str:
    return str(file.relative_to(root) if file.is_relative_to(root) else file)
