"""Where an app keeps its state between runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from emulator.state.folder import prepare
from emulator.state.sqlite import SqliteDatabase, Tell


class StateStore:
    """The databases below one folder; `folder` is `None` when everything stays in memory.

    Without `makes` a database that does not exist stays in memory, too: looking leaves no trace.
    """

    def __init__(
        self, folder: Path | None, *, makes: bool = True, tell: Tell = lambda text: None
    ) -> None:
        """`tell` hears what a person has to know about a file."""
        self.folder = folder
        self._makes = makes
        self._tell = tell
        self._databases: dict[str, SqliteDatabase] = {}
        self._seeds: dict[str, Path] = {}

    def database(self, name: str, migrations: Sequence[str]) -> SqliteDatabase:
        """Return the named database; the same one for the same name."""
        if name not in self._databases:
            path = self._path(name)
            self._databases[name] = SqliteDatabase(
                path, migrations, seed=self._seeds.get(name), tell=self._tell
            )
        return self._databases[name]

    def _path(self, name: str) -> Path | None:
        if self.folder is None:
            return None
        path = self.folder / f"{name}.db"
        if self._makes:
            prepare(self.folder)
        elif not path.is_file():
            return None
        return path

    async def seed(self, name: str, file: Path) -> None:
        """Give the named database in memory the content of a file, now or when it is first used;
        the file has to stay until then."""
        self._seeds[name] = file
        if name in self._databases:
            await self._databases[name].fill(file)

    async def aclose(self) -> None:
        await asyncio.gather(*(database.aclose() for database in self._databases.values()))
        self._databases.clear()
