"""Where recordings are, and whether there are any. Light: every start asks this."""

from __future__ import annotations

import re
from pathlib import Path

from emulator.sdk import SettingsView

SETTING = "FUNCEMU_RECORDINGS"
DEFAULT = "recordings"
EMBEDDINGS_FILE = "embeddings.json"
RULES_FILE = "rules.json"

# An app may have a folder of this name for something else.
_CHATS = re.compile(r"(?:(?:assistant|function)\..+|requests(?:\..+)?)\.json")


def find_folder(app_root: Path, settings: SettingsView) -> Path:
    return app_root / (settings.get(SETTING) or DEFAULT)


def recording_files(folder: Path) -> list[Path]:
    """Return the files of a folder that are recordings of chats, by name."""
    try:
        return sorted(each for each in folder.iterdir() if _CHATS.fullmatch(each.name))
    except OSError:
        return []


def holds_recordings(folder: Path) -> bool:
    """Whether anything was recorded in a folder."""
    return bool(recording_files(folder)) or (folder / EMBEDDINGS_FILE).is_file()
