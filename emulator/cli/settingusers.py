"""Who uses a setting: bindings of the app, the packages behind them, and the app's own files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from emulator.cli.headless import Session, run
from emulator.config.options import Options
from emulator.config.settings import normalised
from emulator.model import BindingModel, FunctionModel
from emulator.runtime.watch import IGNORED_FOLDERS

_CONNECTIONS = ("connection", "connectionname", "connectionsetting", "connectionstringsetting")
_SEARCHED = (".py", "host.json", "function.json")
_MOST_FILES = 2_000
_LARGEST = 1_000_000


class Use(NamedTuple):
    """`who` in words, and the place, if it has one."""

    who: str
    where: str = ""


def uses(name: str, options: Options) -> list[Use]:
    """Return everybody who uses the setting; an app that cannot be loaded is only searched."""
    found = run(options, lambda session: _of_app(session, name))
    return [*found, *_mentions(options.path, name)]


async def _of_app(session: Session, name: str) -> list[Use]:
    found: list[Use] = []
    generation = session.engine.host.current
    if generation is not None:
        for function in generation.app.functions:
            found += _of_function(function, name)
    for extension in session.engine.context.extensions:
        for known, purpose in extension.settings().items():
            if normalised(known) == normalised(name):
                package = type(extension).__module__.rpartition(".")[0]
                found.append(Use(f"{package}: {purpose}"))
    return found


def _of_function(function: FunctionModel, name: str) -> Iterator[Use]:
    for binding in function.bindings:
        for key in _properties(binding, name):
            yield Use(
                f"{function.name}: {key} of the {binding.type} binding '{binding.name}'",
                str(function.source or ""),
            )


def _properties(binding: BindingModel, name: str) -> Iterator[str]:
    """Return the properties that need the setting: `%NAME%`, or a connection it belongs to."""
    wanted = normalised(name)
    for key, value in binding.properties.items():
        if not isinstance(value, str) or not value:
            continue
        if f"%{wanted}%" in normalised(value):
            yield key
        elif key.lower().endswith(_CONNECTIONS) and any(
            wanted == each or wanted.startswith(f"{each}:") for each in _connection_names(value)
        ):
            yield key


def _connection_names(value: str) -> Iterable[str]:
    plain = normalised(value)
    for each in (plain, f"azurewebjobs{plain}"):
        yield each
        yield f"connectionstrings:{each}"


def _mentions(root: Path, name: str) -> Iterator[Use]:
    """Look for the name in the app's files, with `:` or `__` between its parts."""
    parts = [re.escape(part) for part in re.split(r"__|:", name) if part]
    if not parts:
        return
    pattern = re.compile(rf"(?<!\w){'(?:__|:)'.join(parts)}(?!\w)", re.IGNORECASE)
    for path in _files(root):
        try:
            text = path.read_text("utf-8", "replace") if path.stat().st_size < _LARGEST else ""
        except OSError:
            continue
        shown = path.relative_to(root).as_posix()
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield Use(f"{shown}:{number}")


def _files(root: Path) -> Iterator[Path]:
    count = 0
    for folder, names, files in os.walk(root):
        names[:] = sorted(
            each for each in names if not each.startswith(".") and each not in IGNORED_FOLDERS
        )
        for file in sorted(files):
            if file.endswith(_SEARCHED):
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(folder, file)
