"""Custom headers, HSTS and where keys are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from emulator.config.hostjson import HstsConfig, HttpConfig
from emulator.server.keys import KeyStore
from emulator.server.policy import SitePolicy, extra_headers


def request(host: str = "example.com", *, secure: bool = True, **headers: str) -> web.BaseRequest:
    given = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    made = make_mocked_request("GET", "/", headers=given)
    return made.clone(scheme="https" if secure else "http")


HSTS = HttpConfig(custom_headers={"X": "1"}, hsts=HstsConfig(enabled=True, max_age=60.0))


def test_hsts_is_sent_over_https() -> None:
    assert extra_headers(HSTS, request()) == {"X": "1", "Strict-Transport-Security": "max-age=60"}


def test_hsts_has_its_options() -> None:
    hsts = HstsConfig(enabled=True, include_subdomains=True, preload=True)
    value = extra_headers(HttpConfig(hsts=hsts), request())["Strict-Transport-Security"]
    assert value == "max-age=2592000; includeSubDomains; preload"


@pytest.mark.parametrize("host", ["localhost", "localhost:7071", "127.0.0.1:1", "[::1]:1"])
def test_hsts_leaves_this_machine_out(host: str) -> None:
    assert extra_headers(HSTS, request(host)) == {"X": "1"}


def test_hsts_is_never_sent_over_http() -> None:
    assert extra_headers(HSTS, request(secure=False)) == {"X": "1"}


def test_keys_are_asked_for_only_when_told_to() -> None:
    keys = KeyStore(None)
    assert SitePolicy(keys=keys).allows("admin", request(), "")
    asking = SitePolicy(keys=keys, enable_auth=True)
    assert asking.allows("anonymous", request(), "")
    assert not asking.allows("function", request(), "", "f")


def test_a_key_is_found_in_the_header_or_the_query() -> None:
    policy = SitePolicy(keys=KeyStore(None), enable_auth=True)
    master = policy.keys.master
    assert policy.allows("admin", request(x_functions_key=master), "")
    assert policy.allows("admin", request(), f"a=b&code={master.replace('=', '%3D')}")
    assert policy.allows("admin", request(), f"CODE={master}")
    assert not policy.allows("admin", request(), f"xcode={master}")
    assert not policy.allows("admin", request(x_functions_key="wrong"), f"code={master}")


def test_only_the_master_key_makes_an_admin_and_only_when_asked_for() -> None:
    policy = SitePolicy(keys=KeyStore(None), enable_auth=True)
    assert policy.is_admin(request(x_functions_key=policy.keys.master), "")
    host_key = policy.keys.scope("functionkeys").keys["default"]
    assert not policy.is_admin(request(x_functions_key=host_key), "")
    assert not SitePolicy(keys=policy.keys).is_admin(request(), f"code={policy.keys.master}")


def test_keys_are_there_when_it_is_said_where(tmp_path: Path) -> None:
    policy = SitePolicy(keys=KeyStore(tmp_path / "keys"), enable_auth=True)
    assert policy.notes() == [f"Keys: asked for (--enable-auth), kept in {tmp_path / 'keys'}"]
    assert KeyStore(tmp_path / "keys").master in (tmp_path / "keys/host.json").read_text()
    assert SitePolicy(keys=KeyStore(tmp_path / "none")).notes() == []
    assert not (tmp_path / "none").exists()


def test_keys_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{")
    (note,) = SitePolicy(keys=KeyStore(tmp_path), enable_auth=True).notes()
    assert f"The keys in {tmp_path / 'host.json'} cannot be read" in note


def test_keys_in_memory_are_shown() -> None:
    keys = KeyStore(None)
    (note,) = SitePolicy(keys=keys, enable_auth=True).notes()
    assert keys.master in note
