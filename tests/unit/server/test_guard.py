"""Who may talk to the admin API."""

from __future__ import annotations

import time

import pytest

from emulator.server.guard import is_foreign

HERE = frozenset({"127.0.0.1"})


def refused(served_as: frozenset[str] = HERE, **headers: str) -> bool:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return is_foreign(given, served_as=served_as) is not None


@pytest.mark.parametrize(
    "name", ["localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]", "::1", "LocalHost."]
)
def test_names_of_this_machine_are_its_own(name: str) -> None:
    assert not refused(Host=name)
    assert name == "::1" or not refused(Host=f"{name}:7071")


@pytest.mark.parametrize(
    "name",
    ["", "evil", "localhost.evil", "xlocalhost", "127.0.0.1.nip.io", "0.0.0.0", "10.0.0.1",
     "[::2]", "[", "]", "[::1", "[::1]evil", "[::1.]", "::1.", "[::1]:x", "localhost:x",
     "localhost ", "::1]", "a:b", "localhost:1:2", "127.0.0.1@evil", "ⓛocalhost"],
)  # fmt: skip
def test_other_names_are_foreign(name: str) -> None:
    assert refused(Host=name)


def test_a_missing_host_header_is_foreign() -> None:
    assert is_foreign({}, served_as=HERE) == "The Host header '' is not a name of this machine."


def test_the_name_it_was_told_to_serve_under_is_its_own() -> None:
    served = frozenset({"build.lan"})
    assert not refused(served, Host="Build.LAN:80")
    assert refused(served, Host="other.lan")


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::"])
def test_served_everywhere_addresses_are_its_own_but_not_names(everywhere: str) -> None:
    served = frozenset({everywhere})
    assert not refused(served, Host="192.168.7.7:7071")
    assert not refused(served, Host="[fe80::2]")
    assert refused(served, Host="rebound.example")


@pytest.mark.parametrize("site", ["http://localhost:1", "https://127.0.0.1", "http://[::1]:3000"])
def test_pages_of_this_machine_may_ask(site: str) -> None:
    assert not refused(Host="localhost", Origin=site)


@pytest.mark.parametrize(
    "site",
    [
        "http://evil",
        "chrome-extension://localhost",
        "null",
        "",
        "localhost",
        "file://",
        "http://[",
        "http://localhost@evil",
        "http://evil@localhost",
        "http://localhost/",
        "http://localhost.evil",
        "http://[::1]x",
        "http://localhost\n",
    ],
)
def test_pages_of_other_sites_may_not(site: str) -> None:
    assert refused(Host="localhost", Origin=site)


def test_a_page_served_from_the_same_name_may_ask() -> None:
    served = frozenset({"0.0.0.0"})
    assert not refused(served, Host="192.168.7.7:7071", Origin="http://192.168.7.7:3000")
    assert refused(served, Host="192.168.7.7:7071", Origin="http://192.168.7.8")


def test_a_trusted_origin_may_ask() -> None:
    headers = {"Host": "localhost", "Origin": "https://portal"}
    trusted = "https://portal".__eq__
    assert is_foreign(headers, served_as=HERE, trusts=trusted) is None
    assert is_foreign({**headers, "Host": "evil"}, served_as=HERE, trusts=trusted) is not None


def test_what_the_browser_says_about_the_site_counts_without_an_origin() -> None:
    assert refused(Host="localhost", Sec_Fetch_Site="cross-site")
    assert not refused(Host="localhost", Sec_Fetch_Site="same-site")


@pytest.mark.parametrize("name", [":" * 8_000 + "x", "a:" * 4_000 + "x", "." * 8_000 + "/"])
def test_a_name_without_end_is_refused_at_once(name: str) -> None:
    began = time.process_time()
    assert refused(Host=name)
    assert refused(Host="localhost", Origin=f"http://{name}")
    assert time.process_time() - began < 1
