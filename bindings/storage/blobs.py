"""Blobs in the app's own state: containers of named content."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from emulator.sdk import BindingError, HostServices

_MIGRATIONS = (
    """
    CREATE TABLE blob (
        container TEXT NOT NULL,
        name TEXT NOT NULL,
        content BLOB NOT NULL,
        etag TEXT NOT NULL,
        modified TEXT NOT NULL,
        PRIMARY KEY (container, name)
    );
    CREATE TABLE blob_receipt (
        function TEXT NOT NULL COLLATE NOCASE,
        container TEXT NOT NULL,
        name TEXT NOT NULL,
        etag TEXT NOT NULL,
        PRIMARY KEY (function, container, name)
    ) WITHOUT ROWID;
    """,
    # Tags stand behind contents, which are not to be read when one looks for what is new.
    "CREATE INDEX blob_etag ON blob (container, name, etag)",
)

_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9])+|\$root|\$web")


class Blob(NamedTuple):
    container: str
    name: str
    content: bytes
    etag: str
    modified: datetime

    @property
    def path(self) -> str:
        return f"{self.container}/{self.name}"

    def metadata(self) -> dict[str, Any]:
        """Return what Azure's trigger tells of a blob beside its content."""
        modified = self.modified.isoformat()
        return {
            "BlobTrigger": self.path,
            "Uri": f"http://127.0.0.1:10000/devstoreaccount1/{self.path}",
            "Properties": {
                "ContentLength": len(self.content),
                "Length": len(self.content),
                "ETag": self.etag,
                "LastModified": modified,
                "CreatedOn": modified,
                "ContentType": "application/octet-stream",
                "BlobType": "Block",
            },
            "Metadata": {},
        }


def blob_path(given: str) -> tuple[str, str]:
    """Split `container/name`; raise `BindingError` when there can be no such blob."""
    container, _, name = given.strip("/").partition("/")
    container = container.lower()
    if not 3 <= len(container) <= 63 or _CONTAINER.fullmatch(container) is None:
        raise BindingError(
            f"'{given}' does not begin with the name of a container",
            hint="A path is container/name. A container has 3 to 63 letters, digits and single "
            "dashes.",
            code="blob-path-invalid",
        )
    if not name or len(name) > 1024:
        raise BindingError(
            f"'{given}' does not name a blob",
            hint="A path is container/name, and a name has at most 1,024 characters.",
            code="blob-path-invalid",
        )
    return container, name


class Blobs:
    """Contents, who waits for new ones, and which function has seen which."""

    def __init__(self, host: HostServices) -> None:
        self._host = host
        self._database = host.database("blobs", _MIGRATIONS)
        self._watching: set[Callable[[Blob], None]] = set()
        self._begun: set[tuple[str, str]] = set()
        self._done: dict[tuple[str, str], str] = {}

    def watch(self, told: Callable[[Blob], None]) -> None:
        """Call `told` with each blob that is written."""
        self._watching.add(told)

    def unwatch(self, told: Callable[[Blob], None]) -> None:
        self._watching.discard(told)

    async def put(self, container: str, name: str, content: bytes) -> None:
        """Write a blob, in place of the one that is there."""
        now = self._host.clock.now()
        mark = hashlib.sha256(f"{self._host.random_id()} {now}".encode()).hexdigest()[:16]
        blob = Blob(container, name, content, f"0x{mark.upper()}", now)
        row = (*blob[:4], now.isoformat())

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?, ?)", row)

        await self._database.run(work)
        for told in tuple(self._watching):
            told(blob)

    async def get(self, container: str, name: str) -> Blob | None:
        def work(connection: sqlite3.Connection) -> tuple[Any, ...] | None:
            found = connection.execute(
                "SELECT content, etag, modified FROM blob WHERE container = ? AND name = ?",
                (container, name),
            )
            row: tuple[Any, ...] | None = found.fetchone()
            return row

        row = await self._database.read(work)
        if row is None:
            return None
        content, etag, modified = row
        return Blob(container, name, content, etag, datetime.fromisoformat(modified))

    def begin(self, function: str, path: str, etag: str) -> bool:
        """Say whether the function may be run for this content: it neither is nor was.

        Whoever begins says `end` in the end, though another load of the app may be there by then.
        """
        function = function.lower()
        if (function, etag) in self._begun or self._done.get((function, path)) == etag:
            return False
        self._begun.add((function, etag))
        return True

    def end(self, function: str, etag: str) -> None:
        self._begun.discard((function.lower(), etag))

    async def unseen(self, function: str, container: str) -> list[tuple[str, str]]:
        """Return name and tag of the blobs that a function was not run for since they were
        written."""

        def work(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            found = connection.execute(
                "SELECT name, etag FROM blob WHERE container = ? AND NOT EXISTS (SELECT 1 FROM "
                "blob_receipt seen WHERE seen.function = ? AND seen.container = blob.container "
                "AND seen.name = blob.name AND seen.etag = blob.etag) ORDER BY name",
                (container, function),
            )
            return found.fetchall()

        return await self._database.read(work)

    async def seen(self, function: str, blob: Blob) -> None:
        self._done[function.lower(), blob.path] = blob.etag  # counts even if it cannot be kept
        row = (function, blob.container, blob.name, blob.etag)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO blob_receipt VALUES (?, ?, ?, ?)", row)

        await self._database.run(work)


class PathPattern:
    """`samples/{name}.txt`: what a blob's path looks like, and the names of its parts."""

    def __init__(self, text: str) -> None:
        """Raise `BindingError` for what is no pattern."""
        container, _, name = text.strip("/").partition("/")
        self.container, _ = blob_path(f"{container}/x")
        self._parts = _compiled(name or "{name}", text)

    def match(self, container: str, name: str) -> dict[str, str] | None:
        """Return the parts of a blob's name, or `None` when it does not fit."""
        found = self._parts.fullmatch(name) if container == self.container else None
        return None if found is None else found.groupdict()


_PIECE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)(?::[^{}]*)?\}|[^{}]+")


def _compiled(name: str, whole: str) -> re.Pattern[str]:
    pattern, at, known = "", 0, set[str]()
    while at < len(name):
        piece = _PIECE.match(name, at)
        if piece is None:
            raise BindingError(
                f"Invalid blob path '{whole}'.",
                hint="Names stand in braces, such as samples/{name}.txt; a literal brace is {{ or "
                "}}.",
                code="blob-path-invalid",
            )
        at = piece.end()
        if piece[1] is None:
            pattern += re.escape({"{{": "{", "}}": "}"}.get(piece[0], piece[0]))
        elif piece[1] in known:
            pattern += f"(?P={piece[1]})"
        else:
            known.add(piece[1])
            pattern += f"(?P<{piece[1]}>.*)"
    return re.compile(pattern, re.DOTALL)


def shown_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
