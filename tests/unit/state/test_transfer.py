"""State goes into a file and back."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from emulator.errors import StateError
from emulator.state.presence import Presence
from emulator.state.transfer import export, parts, reset, restore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "state"
    (root / "keys").mkdir(parents=True)
    (root / "keys" / "host.json").write_text('{"masterKey": "secret"}', "utf-8")
    (root / ".gitignore").write_text("*\n", "utf-8")
    for name in ("acme-chats", "acme-vectors", "journal"):
        write(root / f"{name}.db", name)
    return root


def write(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS t (x)")
        database.execute("INSERT INTO t VALUES (?)", (text,))
        database.commit()


def read(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT x FROM t")]


def names(root: Path) -> list[str]:
    return [part.name for part in parts(root)]


def test_an_export_comes_back_whole(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "state.zip"
    written = export(folder, file, version="1", with_keys=True)
    assert written == ["acme-chats.db", "acme-vectors.db", "journal.db", "keys/host.json"]
    other = tmp_path / "other"
    assert restore(other, file) == written
    assert read(other / "acme-chats.db") == ["acme-chats"]
    assert (other / "keys" / "host.json").read_text("utf-8") == '{"masterKey": "secret"}'
    assert (other / "keys" / "host.json").stat().st_mode & 0o777 == 0o600


def test_keys_stay_behind_unless_asked_for(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "state.zip"
    export(folder, file, version="1")
    with zipfile.ZipFile(file) as archive:
        assert not [name for name in archive.namelist() if "keys" in name]
        assert b"secret" not in b"".join(archive.read(name) for name in archive.namelist())


def test_a_database_somebody_writes_to_is_copied_as_of_one_moment(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "state.zip"
    with closing(sqlite3.connect(folder / "acme-chats.db")) as database:
        database.execute("INSERT INTO t VALUES ('committed')")
        database.commit()
        database.execute("INSERT INTO t VALUES ('not yet')")
        export(folder, file, version="1")
        database.rollback()
    restore(tmp_path / "other", file)
    assert read(tmp_path / "other" / "acme-chats.db") == ["acme-chats", "committed"]


def test_nothing_is_replaced_without_force(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "state.zip"
    export(folder, file, version="1")
    write(folder / "acme-chats.db", "newer")
    with pytest.raises(StateError, match="has acme-chats.db, acme-vectors.db already") as told:
        restore(folder, file)
    assert told.value.code == "state-exists"
    assert read(folder / "acme-chats.db") == ["acme-chats", "newer"]
    restore(folder, file, force=True)
    assert read(folder / "acme-chats.db") == ["acme-chats"]


def test_what_the_file_does_not_hold_stays(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "state.zip"
    export(folder, file, version="1")
    reset(folder, lambda part: part.is_chats)
    write(folder / "mine.db", "mine")
    restore(folder, file, force=True)
    assert read(folder / "mine.db") == ["mine"]
    assert (folder / "keys" / "host.json").exists()


def test_reset_deletes_what_is_wanted_with_all_that_belongs_to_it(folder: Path) -> None:
    (folder / "acme-chats.db-wal").write_text("", "utf-8")
    assert reset(folder, lambda part: part.is_chats) == ["acme-chats.db"]
    assert names(folder) == ["acme-vectors.db", "journal.db", "keys/host.json"]
    assert not (folder / "acme-chats.db-wal").exists()
    assert reset(folder, lambda part: part.is_key) == ["keys/host.json"]
    reset(folder, lambda part: True)
    assert names(folder) == []
    assert reset(folder, lambda part: True) == []


def test_a_running_host_is_respected(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "state.zip"
    presence = Presence(folder)
    presence.enter("http://localhost:7071")
    try:
        export(folder, file, version="1")
        for act in (lambda: reset(folder, lambda part: True), lambda: restore(folder, file)):
            with pytest.raises(StateError, match="http://localhost:7071") as told:
                act()
            assert told.value.code == "state-in-use"
    finally:
        presence.leave()
    assert "acme-chats.db" in names(folder)


def test_a_folder_without_state_has_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="There is no state"):
        export(tmp_path / "none", tmp_path / "x.zip", version="1")
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "holds no state of funcemu"),
        ({"format": "other", "version": 1, "parts": []}, "holds no state of funcemu"),
        ({"format": "funcemu-state", "version": 9, "parts": []}, "newer version"),
        ({"format": "funcemu-state", "version": 1, "parts": ["../x.db"]}, "damaged"),
        ({"format": "funcemu-state", "version": 1, "parts": ["/x.db"]}, "damaged"),
        ({"format": "funcemu-state", "version": 1, "parts": ["C:/x.db"]}, "damaged"),
        ({"format": "funcemu-state", "version": 1, "parts": ["..\\x.db"]}, "damaged"),
        ({"format": "funcemu-state", "version": 1, "parts": ["gone.db"]}, "damaged"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, manifest: object, message: str) -> None:
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../x.db", "")
        archive.writestr("/x.db", "")
        if manifest is not None:
            archive.writestr("manifest.json", json.dumps(manifest))
    with pytest.raises(StateError, match=message):
        restore(tmp_path / "state", file)
    assert not (tmp_path / "x.db").exists()


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    file.write_text("no zip", "utf-8")
    with pytest.raises(StateError, match="cannot be imported"):
        restore(tmp_path / "state", file)
