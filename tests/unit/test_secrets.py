from __future__ import annotations

import pytest

from emulator.secrets import MASK, SecretFilter, masked


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
