"""Which hosts pages are read from."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from bindings.openai.embeddings.hosts import Hosts, check_address, is_inside
from emulator.sdk import BindingError


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
     "169.254.169.254",
     "100.64.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "::ffff:127.0.0.1",
     "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "ff02::1"],
)  # fmt: skip
def test_addresses_of_this_machine_and_its_networks_are_inside(address: str) -> None:
    assert is_inside(address)
    with pytest.raises(BindingError, match=r"^name.test \(.*\) is an address of this machine"):
        check_address(address, "name.test")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "2606:4700::1", "64:ff9b::808:808", "198.18.0.7", "a.test"]
)
def test_other_addresses_are_not(address: str) -> None:
    assert not is_inside(address)
    check_address(address, "name.test")


@pytest.mark.parametrize(
    ("setting", "url", "listed"),
    [
        (None, "http://localhost:8080/", True),
        (None, "http://127.0.0.1/", True),
        (None, "http://[::1]:1/", True),
        (None, "http://LOCALHOST./", True),
        (None, "http://localhost.test/", False),
        (None, "http://10.0.0.5/", False),
        ("", "http://localhost/", False),
        ("wiki.corp", "http://localhost/", False),
        ("wiki.corp", "https://Wiki.Corp/", True),
        ("localhost:8080", "http://127.0.0.1:8080/", True),
        ("localhost:8080", "http://localhost:7071/", False),
        (" 10.0.0.5:443 , [::1]:80", "https://10.0.0.5/", True),
        ("10.0.0.5:443", "http://10.0.0.5/", False),
        ("[fd00::1]", "http://[fd00::1]:9/", True),
        ("127.0.0.1", "http://localhost/", False),
    ],
)
def test_hosts_are_listed_with_or_without_a_port(
    setting: str | None, url: str, listed: bool
) -> None:
    assert Hosts.of(setting).lists(urlsplit(url)) is listed


@pytest.mark.parametrize("setting", ["http://a", "a:b", "a:999999", ":80", "a/b"])
def test_what_is_no_host_is_told(setting: str) -> None:
    with pytest.raises(BindingError, match="is not a host, with or without a port") as caught:
        Hosts.of(setting)
    assert caught.value.code == "setting-invalid"
