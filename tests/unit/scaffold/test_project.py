"""Files of a new app."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.errors import ConfigError
from emulator.scaffold.project import write_files


def test_what_is_there_stays_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine", "utf-8")
    done = write_files(tmp_path, {"a": "new", "b/c": "new"})
    assert done == (("b/c",), ("a",))
    assert (tmp_path / "a").read_text("utf-8") == "mine"
    assert (tmp_path / "b" / "c").read_text("utf-8") == "new"


def test_force_replaces_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine", "utf-8")
    assert write_files(tmp_path, {"a": "new"}, force=True) == (("a",), ())
    assert (tmp_path / "a").read_text("utf-8") == "new"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_files(tmp_path / "file", {"a": "new"})
