"""Changes in folders as Linux reports them, without looking again and again: nothing runs, and no
thread waits, until something is saved.

Elsewhere `watchfiles` does it, which wakes a hundred times a second to be as quick.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

# From linux/inotify.h.
_ATTRIB, _MODIFY, _CLOSE_WRITE = 0x4, 0x2, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _OVERFLOW, _IGNORED = 0x400, 0x800, 0x4000, 0x8000
_ONLY_FOLDERS, _IS_FOLDER = 0x1000000, 0x40000000
_CAME_OR_WENT = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_SELF = _DELETE_SELF | _MOVE_SELF
_WANTED = _ATTRIB | _MODIFY | _CLOSE_WRITE | _CAME_OR_WENT | _SELF | _ONLY_FOLDERS
_NO_WAITING, _CLOSED_IN_CHILDREN = 0o4000, 0o2000000
_EVENT = struct.Struct("iIII")


def reported_by_linux() -> bool:
    """Whether saves are reported: not for the Windows files that a Linux in Windows shows, nor
    where somebody has told `watchfiles` to poll."""
    if sys.platform != "linux":
        return False
    return "microsoft" not in os.uname().release.lower() and not os.environ.get(
        "WATCHFILES_FORCE_POLLING"
    )


class FolderWatch:
    """Watches folders, each by itself, until closed; `told` is called when something was read.

    Raises `OSError` when the system has no watches left.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        ignores_folder: Callable[[str], bool],
        told: Callable[[], None],
    ) -> None:
        import ctypes  # here for start-up cost

        libc = ctypes.CDLL(None, use_errno=True)
        self._ignores_folder = ignores_folder
        self._told = told
        self._folders: dict[int, Path] = {}
        self._loop = asyncio.get_running_loop()
        self.changed: set[Path] = set()
        self.outdated = False
        """Folders came or went, or more happened than could be told: look at everything."""

        self._descriptor: int = libc.inotify_init1(_NO_WAITING | _CLOSED_IN_CHILDREN)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        try:
            for folder in folders:
                number = libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _WANTED)
                if number >= 0:
                    self._folders[number] = folder
                elif ctypes.get_errno() not in _GONE_OR_CLOSED:
                    raise OSError(ctypes.get_errno(), "inotify_add_watch", str(folder))
            self._loop.add_reader(self._descriptor, self._read)
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = os.fsdecode(data[at : at + length].rstrip(b"\0"))
            at += length
            self._take(number, mask, name)
        if self.changed or self.outdated:
            self._told()

    def _take(self, number: int, mask: int, name: str) -> None:
        folder = self._folders.get(number)
        if mask & _OVERFLOW or (folder is not None and mask & _SELF):
            self.outdated = True
        elif mask & _IGNORED or folder is None:
            self._folders.pop(number, None)
        elif mask & _IS_FOLDER:
            if mask & _CAME_OR_WENT and not self._ignores_folder(name):
                self.outdated = True
        elif name:
            self.changed.add(folder / name)


_GONE_OR_CLOSED = frozenset({2, 13, 20})
"""ENOENT, EACCES, ENOTDIR: that folder cannot be watched, the others can."""


def folders_below(root: Path, ignores_folder: Callable[[str], bool]) -> list[Path]:
    """Return `root` and every folder in it that counts; links are followed, each folder once."""
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for top, names, _ in os.walk(root, followlinks=True):
        try:
            status = os.stat(top)
        except OSError:
            continue
        key = status.st_dev, status.st_ino
        if key in seen:
            names.clear()
            continue
        seen.add(key)
        found.append(Path(top))
        names[:] = [name for name in names if not ignores_folder(name)]
    return found
