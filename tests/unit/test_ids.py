"""Identifiers are UUIDs that differ where people look."""

from __future__ import annotations

import uuid

from emulator.ids import new_id


def test_ids_are_version_4_uuids_and_differ_in_their_first_part() -> None:
    made = [new_id() for _ in range(10_000)]
    assert len({each[:8] for each in made}) == 10_000
    assert {uuid.UUID(each).version for each in made} == {4}
    assert all(str(uuid.UUID(each)) == each for each in made)
