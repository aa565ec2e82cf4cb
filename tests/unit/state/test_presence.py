"""Who works on a state folder."""

from __future__ import annotations

import os
from pathlib import Path

from emulator.state.presence import FOLDER, Presence, Running, running_hosts
from tests.support.disks import disk


def test_a_host_is_seen_while_it_is_there(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    assert running_hosts(tmp_path) == []
    presence.enter("http://localhost:7071")
    assert running_hosts(tmp_path) == [Running(os.getpid(), "http://localhost:7071")]
    presence.leave()
    presence.leave()
    assert running_hosts(tmp_path) == []


def test_two_hosts_are_seen(tmp_path: Path) -> None:
    one, two = Presence(tmp_path), Presence(tmp_path)
    one.enter()
    two.enter()
    assert len(running_hosts(tmp_path)) == 2
    one.leave()
    assert len(running_hosts(tmp_path)) == 1
    two.leave()


def test_what_a_dead_host_left_counts_for_nothing_and_goes_away(tmp_path: Path) -> None:
    stale = tmp_path / FOLDER / "1-dead.json"
    stale.parent.mkdir()
    stale.write_text('{"pid": 1, "url": ""}', "utf-8")
    assert running_hosts(tmp_path) == []
    assert not stale.exists()


def test_a_folder_that_cannot_be_made_harms_nobody(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    presence = Presence(file)
    problem = presence.enter()
    presence.leave()
    assert problem is not None
    assert problem.message == f"State cannot be kept in {file}: it is no folder."
    assert "--state-dir" in (problem.hint or "")


def test_a_disk_without_room_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with disk(folder) as small:
        small.fill()
        presence = Presence(folder)
        problem = presence.enter()
        presence.leave()
        assert problem is not None
        assert problem.message == f"State cannot be kept in {folder}: the disk is full."
        assert list((folder / FOLDER).glob("*")) == []
        small.free()
        assert presence.enter() is None
        assert len(running_hosts(folder)) == 1
        # It was made when there was no room for its text.
        assert (folder / ".gitignore").read_text("utf-8").endswith("*\n")
        presence.leave()


def test_the_state_folder_is_kept_out_of_version_control(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "state")
    presence.enter()
    assert "*" in (tmp_path / "state" / ".gitignore").read_text("utf-8")
    presence.leave()
