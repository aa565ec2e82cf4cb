"""The folder of an app's state."""

from __future__ import annotations

from pathlib import Path

_IGNORE = "# State of the local functions host; safe to delete.\n*\n"


def prepare(folder: Path) -> Path:
    """Make a state folder and keep it out of version control; a failure shows on first use."""
    ignore = folder / ".gitignore"
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)  # chats are nobody else's business
        if not ignore.exists() or not ignore.stat().st_size:  # empty: the disk was full
            ignore.write_text(_IGNORE, encoding="utf-8")
    except OSError:
        return folder
    return folder
