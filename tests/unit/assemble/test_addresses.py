"""The names by which what listens on an address is reached."""

from __future__ import annotations

import pytest

from emulator.assemble.addresses import reachable, shown


@pytest.mark.parametrize(
    ("address", "for_processes", "for_people"),
    [
        ("127.0.0.1", "127.0.0.1", "localhost"),
        ("0.0.0.0", "127.0.0.1", "localhost"),
        ("::1", "[::1]", "localhost"),
        ("::", "[::1]", "localhost"),
        ("10.0.0.7", "10.0.0.7", "10.0.0.7"),
    ],
)
def test_an_address_has_a_name_by_which_it_is_reached(
    address: str, for_processes: str, for_people: str
) -> None:
    assert (reachable(address), shown(address)) == (for_processes, for_people)


def test_localhost_is_the_address_that_every_machine_has() -> None:
    assert reachable("localhost") == "127.0.0.1"
