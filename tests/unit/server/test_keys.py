"""Where keys are kept and what they open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.errors import StateError
from emulator.server.keys import KeyStore, new_key


def test_keys_are_long_random_and_marked() -> None:
    keys = {new_key() for _ in range(50)}
    assert len(keys) == 50
    assert all(len(key) > 50 and key.endswith("AzFu") for key in keys)


def test_in_memory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = KeyStore(None)
    assert store.opens("function", store.scope("function", "f").keys["default"], "f")
    assert list(tmp_path.iterdir()) == []


def test_a_second_store_reads_what_the_first_wrote(tmp_path: Path) -> None:
    first, second = KeyStore(tmp_path), KeyStore(tmp_path)
    assert second.master == first.master
    value, new = first.put("function", "extra", None, "F")
    assert new
    assert second.opens("function", value, "f")
    assert first.put("function", "extra", "chosen", "f") == ("chosen", False)
    assert second.opens("function", "chosen", "f")
    assert not second.opens("function", value, "f")


@pytest.mark.parametrize(
    ("level", "opened"),
    [
        ("function", {"master", "host", "own"}),
        ("admin", {"master"}),
        ("user", {"master"}),
        ("system", {"master", "system"}),
    ],
)
def test_each_level_is_opened_by_its_keys(level: str, opened: set[str]) -> None:
    store = KeyStore(None)
    keys = {
        "master": store.master,
        "host": store.scope("functionkeys").keys["default"],
        "own": store.scope("function", "f").keys["default"],
        "other": store.scope("function", "g").keys["default"],
        "system": store.put("systemkeys", "s", None)[0],
        "wrong": "wrong",
        "empty": "",
    }
    assert {name for name, key in keys.items() if store.opens(level, key, "f")} == opened


def test_a_key_that_is_no_text_in_utf_8_opens_nothing() -> None:
    assert not KeyStore(None).opens("function", "\udcff", "f")


def test_deleting_says_whether_there_was_something(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    assert store.delete("function", "default", "f")
    assert not store.delete("function", "default", "f")
    assert KeyStore(tmp_path).scope("function", "f").keys == {}


def test_the_master_key_is_renewed_for_good(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    before = store.master
    assert store.renew_master() != before
    assert store.renew_master("mine") == "mine"
    assert KeyStore(tmp_path).master == "mine"


def test_a_file_without_master_key_gets_one_that_stays(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"functionKeys": [{"name": "a", "value": "b"}, {}, 5]}')
    store = KeyStore(tmp_path)
    assert KeyStore(tmp_path).master == store.master
    assert store.scope("functionkeys").keys == {"a": "b"}


def test_a_file_that_is_no_json_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(StateError, match="host.json cannot be read") as raised:
        KeyStore(tmp_path).opens("admin", "x", "")
    assert "Mend or delete" in (raised.value.hint or "")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be") as raised:
        KeyStore(tmp_path / "file" / "keys").renew_master()
    assert raised.value.hint


def test_files_have_azure_s_layout(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.put("systemkeys", "ext", "s")
    _ = store.scope("function", "Name")
    host = json.loads((tmp_path / "host.json").read_text())
    assert host["masterKey"] == {"name": "master", "value": store.master, "encrypted": False}
    assert host["systemKeys"] == [{"name": "ext", "value": "s", "encrypted": False}]
    own = json.loads((tmp_path / "functions/name.json").read_text())
    assert [each["name"] for each in own["keys"]] == ["default"]
    assert not list(tmp_path.rglob("*.new"))


def test_a_call_without_a_key_makes_one_that_can_be_found(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    assert not store.opens("function", "", "f")
    made = json.loads((tmp_path / "keys/host.json").read_text())["functionKeys"][0]["value"]
    assert store.opens("function", made, "f")


def test_keys_that_could_not_be_written_never_come_into_force(tmp_path: Path) -> None:
    place = tmp_path / "keys"
    place.write_text("in the way", "utf-8")
    store = KeyStore(place)
    for _ in range(2):
        with pytest.raises(StateError, match="cannot be"):
            store.opens("admin", "", "")
    place.unlink()
    master = store.master
    place.rename(tmp_path / "aside")
    place.write_text("in the way again", "utf-8")
    with pytest.raises(StateError, match="cannot be"):
        store.renew_master("new")
    place.unlink()
    (tmp_path / "aside").rename(place)
    assert store.master == master
