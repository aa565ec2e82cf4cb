from __future__ import annotations

import pytest

from emulator.config.secrets import MASK, masked


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
