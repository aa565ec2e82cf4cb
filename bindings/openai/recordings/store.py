"""A folder of recordings: read when it changes, written after each exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from bindings.openai.recordings.files import (
    file_name,
    read_recording,
    recording_text,
    write_atomically,
)
from bindings.openai.recordings.folder import recording_files
from bindings.openai.recordings.normalise import Normaliser
from bindings.openai.recordings.redact import Redactor
from bindings.openai.recordings.rules import Rules
from bindings.openai.recordings.tree import Recording, Scope

Stamp = tuple[int, int]
T = TypeVar("T")


class RecordingStore:
    """All recordings of a folder, under one set of rules."""

    def __init__(self, folder: Path, *, rules: Rules, redactor: Redactor) -> None:
        self.folder = folder
        self.rules = rules
        self.normaliser = Normaliser(redactor, rules.ignored())
        self._files: dict[str, tuple[Stamp, Recording]] = {}
        self._writing = asyncio.Lock()

    def refresh(self) -> None:
        """Read what was added or changed since the last time."""
        if not self._writing.locked():  # what is being written is known already
            self._read_changes()

    def _read_changes(self) -> None:
        present: dict[str, Stamp] = {}
        for file in recording_files(self.folder):
            stamp = _stamp(file)
            if stamp is not None:
                present[file.name] = stamp
        for name in list(self._files):
            if name not in present:
                del self._files[name]
        for name, stamp in present.items():
            known = self._files.get(name)
            if known is None or known[0] != stamp:
                recording = read_recording(self.folder / name, self.normaliser)
                self._files[name] = (stamp, recording)

    def __iter__(self) -> Iterator[Recording]:
        """Yield every recording, in the order of the files' names."""
        return (self._files[name][1] for name in sorted(self._files))

    def __len__(self) -> int:
        return sum(len(recording) for recording in self)

    def get(self, scope: Scope) -> Recording | None:
        found = self._files.get(file_name(scope))
        return None if found is None else found[1]

    def path(self, recording: Recording) -> Path:
        return self.folder / file_name(recording.scope)

    def nearest_first(self, scope: Scope, function: str) -> Iterator[list[Recording]]:
        """Yield the recordings in groups: the scope's own, those of its function, all others."""
        own = self.get(scope)
        if own is not None:
            yield [own]
        others = [each for each in self if each is not own]
        related = [each for each in others if function and each.function == function]
        if related:
            yield related
        rest = [each for each in others if each not in related]
        if rest:
            yield rest

    async def change(self, scope: Scope, function: str, change: Callable[[Recording], T]) -> T:
        """Change a scope's recording, which is made if need be, and write it."""
        async with self._writing:
            self._read_changes()
            recording = self.get(scope) or Recording(scope, function=function)
            result = change(recording)
            file = self.path(recording)
            await asyncio.to_thread(write_atomically, file, recording_text(recording))
            stamp = _stamp(file)
            if stamp is not None:
                self._files[file.name] = (stamp, recording)
            return result


def _stamp(file: Path) -> Stamp | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
