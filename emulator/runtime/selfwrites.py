"""Tells files that an app writes whenever it is loaded from those that somebody saves.

Without that, an app that generates code in its own folder would be reloaded for ever.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from emulator.config.stamps import Stamp, stamp_of

STRIKES = 3
"""So many different contents, each written while the app was being loaded, are suspicious."""

FORGOTTEN_AFTER = 60.0
"""Seconds after which a suspicion is forgotten."""


@dataclass(slots=True)
class _File:
    """A file that has changed before, as it was last seen."""

    content: bytes = b""
    stamp: Stamp | None = None
    strikes: int = 0
    struck: float = 0.0
    written: Stamp | None = None
    """As it was at the end of a load that changed it, until that is reported."""
    on_trial: bool = False
    convicted: bool = False


class SelfWrites:
    """Sifts what has changed. A file that keeps changing during loads is suspected; when one more
    load, begun in peace, changes it again, its changes during loads no longer count."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._files: dict[Path, _File] = {}
        self._loading = False
        self._trial = False

    def began(self, *, trial: bool = False) -> None:
        self._loading, self._trial = True, trial

    def ended(self) -> None:
        """Note what the load has changed and nobody has reported yet."""
        self._loading = False
        for path, file in self._files.items():
            stamp = stamp_of(path)
            if stamp != file.stamp:
                file.written, file.on_trial = stamp, self._trial

    @property
    def suspects(self) -> frozenset[Path]:
        """The files that a trial would clear or convict."""
        return frozenset(path for path, file in self._files.items() if self._suspected(file))

    def sift(self, paths: Iterable[Path]) -> tuple[frozenset[Path], frozenset[Path]]:
        """Return the changes that call for a reload, and the files convicted just now."""
        wanted, convicted = set(), set()
        for path in paths:
            file = self._files.setdefault(path, _File())
            before = file.convicted
            if self._counts(path, file):
                wanted.add(path)
            elif file.convicted and not before:
                convicted.add(path)
        return frozenset(wanted), frozenset(convicted)

    def _counts(self, path: Path, file: _File) -> bool:
        stamp, content = stamp_of(path), _content(path)
        during = self._loading or (stamp is not None and stamp == file.written)
        trial = self._trial if self._loading else file.on_trial
        same = content == file.content
        file.stamp, file.content, file.written = stamp, content, None
        if not during:  # somebody has saved it
            file.strikes, file.convicted = 0, False
            return True
        if same or file.convicted:
            return False
        if self._suspected(file):
            file.convicted = trial
            return False
        if self._now() - file.struck > FORGOTTEN_AFTER:
            file.strikes = 0
        file.strikes, file.struck = file.strikes + 1, self._now()
        return file.strikes < STRIKES

    def _suspected(self, file: _File) -> bool:
        recent = self._now() - file.struck <= FORGOTTEN_AFTER
        return file.strikes >= STRIKES and recent and not file.convicted


def _content(path: Path) -> bytes:
    try:
        return hashlib.blake2b(path.read_bytes()).digest()
    except OSError:
        return b"gone"
