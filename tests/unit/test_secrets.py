from __future__ import annotations

import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.secrets import MASK, SecretFilter, masked, without_secrets


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "abc"),
        ("AzureOpenAI__Key", "abc"),
        ("ClientSecret", "abc"),
        ("GITHUB_TOKEN", "abc"),
        ("Db_Password", "abc"),
        ("SqlConnection", "Server=x"),
        ("ConnectionStrings:Sql", "Server=x"),
        ("AzureWebJobsStorage", "DefaultEndpointsProtocol=https;AccountName=a"),
        ("Other", "AccountName=a;AccountKey=abc=="),
        ("Other", "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=b"),
        ("Other", "https://a.blob.core.windows.net/c?sv=1&sig=abc"),
        ("Other", "sk-proj-abc"),
        ("Other", "postgres://user:pass@host/db"),
        ("Other", "redis://:pass@host:6379/0"),
        ("Other", "eyJhbGciOi"),
    ],
)
def test_a_secret_is_masked(name: str, value: str) -> None:
    assert masked(name, value) == MASK


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FUNCTIONS_WORKER_RUNTIME", "python"),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
        ("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com/"),
        ("AZURE_OPENAI_KEY", "<your key>"),
        ("AZURE_OPENAI_KEY", ""),
        ("aiConnectionName", "AzureOpenAI"),
        ("Secret", "@Microsoft.KeyVault(SecretUri=https://v/secrets/x)"),
        ("CORS", "*"),
    ],
)
def test_what_is_no_secret_is_shown(name: str, value: str) -> None:
    assert masked(name, value) == value


def test_values_of_secret_settings_are_taken_out_of_texts() -> None:
    clean = SecretFilter([("API_KEY", "planted-1"), ("API_KEY2", "planted-12"), ("CITY", "Berlin")])
    assert clean.without_values("a planted-1 b planted-12 Berlin") == f"a {MASK} b {MASK} Berlin"


def test_what_looks_like_a_secret_is_taken_out_of_texts_that_are_kept() -> None:
    clean = SecretFilter([])
    assert clean("Authorization: Bearer abc123") == f"Authorization: Bearer {MASK}"
    assert clean.without_values("Bearer abc123") == "Bearer abc123"


def test_each_long_line_of_a_secret_is_one() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\nx\n-----END PRIVATE KEY-----"
    clean = SecretFilter([("PEM", key)])
    assert clean.without_values("12:00 MIIEvQIBADANBgkqhkiG") == f"12:00 {MASK}"
    assert clean.without_values("x") == "x"


@pytest.mark.parametrize(
    ("name", "value"),
    [("API_KEY", "short"), ("STORAGE_CONNECTION", "AzureWebJobsStorage"), ("CITY", "Berlin")],
)
def test_words_that_stand_elsewhere_too_are_kept(name: str, value: str) -> None:
    settings = [(name, value), ("AzureWebJobsStorage", "UseDevelopmentStorage=true")]
    assert SecretFilter(settings).without_values(f"a {value} b") == f"a {value} b"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS", "100000"),
        ("SHARED_KEY_NAME", "RootManage"),
        ("STORAGE_CONTAINER", "documents"),
        ("AuthLevel", "function"),
    ],
)
def test_names_and_counts_are_no_secrets(name: str, value: str) -> None:
    assert masked(name, value) == value


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("DefaultEndpointsProtocol=https;AccountKey=abc/123==;EndpointSuffix=x", "abc/123=="),
        ("Endpoint=sb://a/;SharedAccessKeyName=n;SharedAccessKey=abc+123=", "abc+123="),
        ("BlobEndpoint=https://a/;SharedAccessSignature=sv=1&sig=abc%2B123", "abc%2B123"),
        ("BlobEndpoint=https://a/;SharedAccessSignature=sv=1&sig=abc%2B123", "abc+123"),
        ("Server=a;User Id=b;Password='hunter22';", "hunter22"),
        ("mongodb://me:hunter22@db/x", "hunter22"),
    ],
)
def test_the_secret_part_of_a_value_is_one_by_itself(value: str, part: str) -> None:
    clean = SecretFilter([("Connection", value)]).without_values
    assert clean(f"no access with {part}!") == f"no access with {MASK}!"
    assert clean(f"no access with {value}!") == f"no access with {MASK}!"


HARD = 'begin+/"\\é=&<end'


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(HARD)[1:-1],
        json.dumps(json.dumps(HARD))[3:-3],
        repr(HARD)[1:-1],
        repr(HARD.encode())[2:-1],
        quote(HARD),
        quote(HARD, safe=""),
        quote_plus(HARD),
        html.escape(HARD),
        "begin\\u002B/\\u0022\\\\\\u00E9=\\u0026\\u003Cend",
    ],
)
def test_a_secret_is_known_however_it_is_written(written: str) -> None:
    assert SecretFilter([("KEY", HARD)]).without_values(f"a {written} b") == f"a {MASK} b"


def test_no_half_of_a_secret_is_left_where_a_text_was_cut_short() -> None:
    clean = SecretFilter([("KEY", "planted-0123456789")]).without_values
    assert clean("it is planted-0123… and planted-0… too") == f"it is {MASK}… and {MASK}… too"
    assert clean("'it is planted-01...23456789', and ...0123456789") == (
        f"'it is {MASK}...{MASK}', and ...{MASK}"
    )
    assert clean("a plant… or ...3456789 or ... more") == "a plant… or ...3456789 or ... more"


@given(st.integers(0, 40))
def test_the_beginning_of_a_text_has_no_half_of_a_secret(most: int) -> None:
    clean = SecretFilter([("KEY", "planted-0123456789")])
    text = f"{'a' * 10}planted-0123456789{'b' * 12}"
    kept = clean.beginning(text, most)
    assert "p" not in kept
    assert kept == clean(text)[: len(kept)]
    assert len(kept) <= max(most, 10 + len(MASK) + 12)


def test_data_is_masked_by_names_and_looks() -> None:
    data = {"a": {"apiKey": "x", "list": ["db://a:b@c", 1]}, "routePrefix": "api", "n": None}
    assert without_secrets(data) == {
        "a": {"apiKey": MASK, "list": [MASK, 1]},
        "routePrefix": "api",
        "n": None,
    }


def test_many_marks_of_cut_texts_are_no_burden() -> None:
    clean = SecretFilter([(f"KEY{number}", f"{number:08}{HARD}") for number in range(100)])
    text = "a… b... " * 2_000
    began = time.process_time()
    assert clean.without_values(f"{text} {7:08}begin… {text}") == f"{text} {MASK}… {text}"
    assert clean.without_values(text) == text
    assert time.process_time() - began < 1
