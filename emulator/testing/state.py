"""What an app remembers: in memory, and begun with content that a test gives."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from emulator.config.suggest import did_you_mean
from emulator.errors import StateError
from emulator.runtime.services import HostContext
from emulator.state.journal import DATABASE
from emulator.state.transfer import parts, restore

Home = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]


class AppState:
    """The state of one app under test; it is gone when the app is closed."""

    def __init__(self, context: HostContext, base: Path, home: Home) -> None:
        """`home` awaits something on the loop the app lives on."""
        self._context = context
        self._base = base
        self._home = home
        self._scratch: list[tempfile.TemporaryDirectory[str]] = []

    async def seed(self, path: str | Path | Mapping[str, Any]) -> None:
        """Put content in: chats, documents, whatever the packages in use keep.

        `path` (a relative one starts from the folder of the test, without pytest from the current
        one) is one of

        - a folder that a host has kept its state in (`.funcemu`), or one `.db` file of it;
        - a zip file of `funcemu state export`;
        - a JSON file with an object, or such an object itself, whose members the packages in use
          know: `{"assistants": {"a1": {"messages": [{"role": "user", "content": "Hi"}]}}}`.

        What the seed does not name stays. Raises `StateError` when it cannot be used.
        """
        await self._home(self._seed(path))

    async def _seed(self, path: str | Path | Mapping[str, Any]) -> None:
        if isinstance(path, Mapping):
            await self._give(path, "the seed")
        else:
            await self._take(self._base / path)

    async def _take(self, file: Path) -> None:
        if file.is_dir():  # noqa: ASYNC240 - files of tests are near
            await self._fill(file)
        elif not file.is_file():  # noqa: ASYNC240 - as above
            raise StateError(
                f"There is no seed {file}.",
                hint="Give a folder or a file; a relative path starts from the test's folder.",
            )
        elif file.suffix == ".json":
            await self._give(_read(file), file.name)
        elif file.suffix == ".db":
            await self._context.seed(file.stem, file)
        else:
            scratch: tempfile.TemporaryDirectory[str] = tempfile.TemporaryDirectory()
            self._scratch.append(scratch)
            restore(Path(scratch.name), file)
            await self._fill(Path(scratch.name))

    async def _fill(self, folder: Path) -> None:
        for part in parts(folder):
            name = part.name.removesuffix(".db")
            if part.is_database and name != DATABASE:
                await self._context.seed(name, part.path)

    async def _give(self, content: Mapping[str, Any], source: str) -> None:
        takers: dict[str, Callable[[Any], Awaitable[None]]] = {}
        for extension in self._context.extensions:
            takers.update(extension.seeds())
        for name in content:
            if name not in takers:
                hint = did_you_mean(name, takers) or (
                    f"They take: {', '.join(sorted(takers))}."
                    if takers
                    else "The bindings of this app take none."
                )
                raise StateError(f"No binding of this app takes '{name}' of {source}.", hint=hint)
        for name, value in content.items():
            await takers[name](value)

    def close(self) -> None:
        """Remove what seeds have left on disk; the app does this at its end."""
        for scratch in self._scratch:
            scratch.cleanup()


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StateError(f"The seed {file} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise StateError(f"The seed {file} should be a JSON object.")
    return content
