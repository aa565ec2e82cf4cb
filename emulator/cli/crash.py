"""What is said when a command fails in a way that is nobody's fault but ours."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

import click

from emulator import __version__
from emulator.secrets import SecretFilter

EXIT_CODE = 70
"""As `sysexits.h` has it: an internal error of a program."""


def tell_crash(error: Exception) -> int:
    """Write a report into a file, say so on stderr, and return the exit code."""
    clean = SecretFilter(os.environ.items())
    first = (str(error).strip().splitlines() or [""])[0]
    told = clean(f"{type(error).__name__}: {first}".removesuffix(": "))
    click.secho(f"funcemu itself failed: {told}", fg="red", err=True)
    report = clean(_report(error))
    file = _written(report)
    if file is None:
        click.echo(report, err=True)
        where = "the lines above"
    else:
        where = str(file)
    click.echo(
        "This is a mistake of funcemu, not of your app. Please report it to its authors, with what "
        f"you did and {where}: the traceback and the versions, without values of settings.",
        err=True,
    )
    return EXIT_CODE


def _report(error: Exception) -> str:
    # Of the command line only what cannot be a value.
    words = [each.partition("=")[0] for each in sys.argv[1:2]]
    words += [each.partition("=")[0] for each in sys.argv[2:] if each.startswith("-")]
    return "\n".join(
        [
            f"funcemu {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: funcemu {' '.join(words)}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )


def _written(report: str) -> Path | None:
    try:
        descriptor, name = tempfile.mkstemp(prefix="funcemu-failure-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report)
    except OSError:
        return None
    return Path(name)
