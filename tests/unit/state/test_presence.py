"""Who works on a state folder."""

from __future__ import annotations

import os
from pathlib import Path

from emulator.state.presence import FOLDER, Presence, Running, running_hosts


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
    presence.enter()
    presence.leave()


def test_the_state_folder_is_kept_out_of_version_control(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "state")
    presence.enter()
    assert "*" in (tmp_path / "state" / ".gitignore").read_text("utf-8")
    presence.leave()
