"""Preflights and permissions."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from emulator.errors import ConfigError
from emulator.server.cors import Cors

ASK = {"Origin": "http://a", "Access-Control-Request-Method": "PUT"}


def policy(*origins: str, credentials: bool = False) -> Cors:
    made = Cors.of(origins, credentials=credentials)
    assert made is not None
    return made


def added(cors: Cors, origin: str | None, **already: str) -> dict[str, str]:
    headers = CIMultiDict(already)
    cors.add(headers, origin)
    return dict(headers)


@pytest.mark.parametrize("origins", [(), ("",), (" ", "")])
def test_without_an_origin_there_is_no_policy(origins: tuple[str, ...]) -> None:
    assert Cors.of(origins, credentials=True) is None


def test_everybody_with_credentials_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="every origin") as raised:
        Cors.of(["http://a", "*"], credentials=True)
    assert "Name the origins" in (raised.value.hint or "")


def test_a_trailing_slash_and_case_of_the_configured_origin_do_not_count() -> None:
    assert added(policy("HTTP://A/"), "http://a") == {"Access-Control-Allow-Origin": "http://a"}


@pytest.mark.parametrize("origin", [None, "http://b", "http://a:80", "https://a", "null"])
def test_other_origins_get_nothing(origin: str | None) -> None:
    assert added(policy("http://a"), origin) == {}


def test_several_origins_make_the_answer_vary_once() -> None:
    cors = policy("http://a", "http://b")
    assert added(cors, "http://c") == {"Vary": "Origin"}
    assert added(cors, "http://c", vary="Accept") == {"Vary": "Accept, Origin"}
    assert added(cors, "http://c", vary="accept, origin") == {"vary": "accept, origin"}


def test_credentials_are_for_allowed_origins() -> None:
    cors = policy("http://a", credentials=True)
    assert added(cors, "http://a")["Access-Control-Allow-Credentials"] == "true"
    assert added(cors, "http://b") == {}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", ASK),
        ("OPTIONS", {"Origin": "http://a"}),
        ("OPTIONS", {"Access-Control-Request-Method": "PUT"}),
        ("OPTIONS", {**ASK, "Access-Control-Request-Method": ""}),
    ],
)
def test_other_requests_are_no_preflight(method: str, headers: dict[str, str]) -> None:
    assert policy("http://a").preflight(method, headers) is None


def test_a_preflight_gets_what_it_asks_for() -> None:
    asked = {**ASK, "Access-Control-Request-Headers": "x-a, x-b"}
    assert dict(policy("http://a").preflight("OPTIONS", asked) or {}) == {
        "Access-Control-Allow-Origin": "http://a",
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Allow-Headers": "x-a, x-b",
    }


def test_what_cannot_be_a_header_is_not_given_back() -> None:
    for name in ("Access-Control-Request-Headers", "Access-Control-Request-Method"):
        answer = policy("http://a").preflight("OPTIONS", {**ASK, name: "x-\udcff"})
        assert dict(answer or {}) == {"Access-Control-Allow-Origin": "http://a"}


def test_an_origin_is_named_only_by_itself() -> None:
    assert policy("http://a", "*").names("HTTP://A")
    assert not policy("*").names("http://a")


def test_the_settings_of_the_official_host_are_understood() -> None:
    settings = {
        "FUNCTIONS_ENABLE_CORS_CONFIGURATION": "true",
        "CORS_ALLOWED_ORIGINS": '["https://a.example", "https://b.example"]',
        "CORS_SUPPORT_CREDENTIALS": "true",
    }
    cors = Cors.of_settings(settings.get)
    assert cors == Cors(frozenset({"https://a.example", "https://b.example"}), True)
    assert Cors.of_settings({"CORS_ALLOWED_ORIGINS": '["*"]'}.get) is None
    with pytest.raises(ConfigError, match="is no JSON list of texts"):
        Cors.of_settings({**settings, "CORS_ALLOWED_ORIGINS": "https://a.example"}.get)


@pytest.mark.parametrize("origin", ["bad origin", "localhost:4200", "http://", "https://a/b"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="an origin is a scheme and a host"):
        Cors.of([origin], credentials=False)
