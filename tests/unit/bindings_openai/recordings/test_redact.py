"""What never gets into a file."""

from __future__ import annotations

import pytest

from bindings.openai.recordings.redact import REDACTED, Redactor, secret_values
from tests.support.openai_host import FakeSettings


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abcdefghijklmnop1234",
        "Authorization: Bearer abcdefghijklmnopqr",
        "api-key: 0123456789abcdef",
        "DefaultEndpointsProtocol=https;AccountKey=abc+/==;EndpointSuffix=x",
        "Endpoint=sb://x;SharedAccessKey=abcdef=",
        "https://x.blob.core.windows.net/c?sv=1&sig=abcdefgh%3D",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.c2lnbmF0dXJl",
        "ghp_abcdefghijklmnopqrstuvwx",
        "AKIAABCDEFGHIJKLMNOP",
        "postgres://user:hunter2@db/x",
        "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_key_is_taken_out(text: str) -> None:
    clean = Redactor().text(f"before {text} after")
    assert REDACTED in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    for part in ("abcdefgh", "hunter2", "eyJz", "abc+/", "\nabc"):
        assert part not in clean


@pytest.mark.parametrize(
    "text",
    [
        "Ask the bearer of this letter",
        "The risk-adjusted-returns-of-last-year are fine",
        "See https://example.test/path?a=b",
        "call_4eb1af7c67084a23a6ade5be",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_secret_settings_are_found_by_their_names() -> None:
    settings = FakeSettings(
        {
            "OPENAI_API_KEY": "value-1",
            "AzureOpenAI__Key": "value-2",
            "client_secret": "value-3",
            "MY_TOKEN": "value-4",
            "SqlConnection": "value-5",
            "DB_PASSWORD": "value-6",
            "KEY_NAME": "harmless",
            "SHORT_KEY": "k",
            "SAMPLE_KEY": "<your key>",
        }
    )
    assert secret_values(settings, {}) == {f"value-{number}" for number in range(1, 7)}


def test_secrets_are_found_by_their_looks_and_in_host_json() -> None:
    storage = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=planted+/9=;EndpointSuffix=x"
    settings = FakeSettings({"AzureWebJobsStorage": storage, "Backend": "db://me:hunter22@host/"})
    host_json = {"extensions": {"x": {"apiKey": "in-host-json"}}, "version": "2.0"}
    clean = Redactor.of(settings, host_json).text
    for secret in ("planted+/9=", "planted%2B/9%3D", "hunter22", "in-host-json"):
        assert clean(f"a {secret} b") == f"a {REDACTED} b"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Redactor(["secret", "secret-long"]).text("a secret-long b") == f"a {REDACTED} b"


def test_data_is_cleaned_with_its_keys() -> None:
    clean = Redactor(["planted"]).data({"planted": ["a planted b", 1, None, {"x": True}]})
    assert clean == {REDACTED: [f"a {REDACTED} b", 1, None, {"x": True}]}
