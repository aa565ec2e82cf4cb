from __future__ import annotations

import pytest

from bindings.openai.vectors.connection import SearchConnection, Unconnected, find_connection
from tests.support.openai_host import FakeSettings


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(
            {"S__endpoint": "https://x.search.windows.net/", "S__apiKey": "k"},
            SearchConnection("S", endpoint="https://x.search.windows.net", key="k"),
            id="section with key",
        ),
        pytest.param(
            {"S:Endpoint": "https://x", "S:credential": "managedidentity", "S:clientId": "c"},
            SearchConnection(
                "S",
                endpoint="https://x",
                identity=(("clientid", "c"), ("credential", "managedidentity")),
            ),
            id="section with identity",
        ),
        pytest.param(
            {"S": "http://localhost:1"},
            SearchConnection("S", endpoint="http://localhost:1"),
            id="plain address",
        ),
        pytest.param(
            {"S": "AccountEndpoint=https://x;AccountKey=a=="},
            SearchConnection("S", connection_string="AccountEndpoint=https://x;AccountKey=a=="),
            id="connection string",
        ),
        pytest.param(
            {"S": "mongodb+srv://u:p@x/?tls=true"},
            SearchConnection("S", connection_string="mongodb+srv://u:p@x/?tls=true"),
            id="mongo",
        ),
        pytest.param(
            {}, Unconnected("Configuration section or endpoint 'S' does not exist"), id="nothing"
        ),
        pytest.param(
            {"S__endpoint": "https://<your-search>.search.windows.net"},
            Unconnected("S__endpoint is a placeholder"),
            id="placeholder address",
        ),
        pytest.param(
            {"S": "mongodb+srv://<user>:<password>@x"},
            Unconnected("S is a placeholder"),
            id="placeholder string",
        ),
        pytest.param(
            {"S__endpoint": "https://x", "S__apiKey": "<key>"},
            Unconnected("the key of S is a placeholder"),
            id="placeholder key",
        ),
        pytest.param(
            {"S__endpoint": "soon"},
            Unconnected("S__endpoint is not a service address"),
            id="no address",
        ),
    ],
)
def test_connections_are_found(
    settings: dict[str, str], expected: SearchConnection | Unconnected
) -> None:
    assert find_connection(FakeSettings(settings), "S") == expected


def test_secrets_are_not_shown() -> None:
    shown = repr(SearchConnection("S", key="secret", connection_string="secret"))
    assert "secret" not in shown
