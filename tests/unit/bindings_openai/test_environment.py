"""What the app's own OpenAI clients find in their environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from bindings.openai.connections import Unconnected, connect
from bindings.openai.environment import environment
from emulator.sdk import WorkerEnvironment
from tests.support.openai_host import FakeSettings

URL = "http://127.0.0.1:7071"
OWN = f"{URL}/_openai"
LIVE = {"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com", "AZURE_OPENAI_KEY": "key-1"}


def made(
    root: Path, settings: dict[str, str] | None = None, mode: str = "auto"
) -> WorkerEnvironment:
    return environment(
        settings=FakeSettings(settings), app_root=root, url=URL, flags={"models": mode}
    )


def test_without_a_connection_every_client_comes_here(tmp_path: Path) -> None:
    assert made(tmp_path).variables == {
        "OPENAI_BASE_URL": f"{OWN}/v1",
        "OPENAI_API_KEY": "offline",
        "AZURE_OPENAI_ENDPOINT": OWN,
        "AZURE_OPENAI_API_KEY": "offline",
        "AZURE_OPENAI_KEY": "offline",
        "OPENAI_API_VERSION": "2024-10-21",
    }


def test_what_is_set_stays_and_placeholders_do_not(tmp_path: Path) -> None:
    settings = {
        "OPENAI_API_KEY": "<your key>",
        "AZURE_OPENAI_API_KEY": "another",
        "OPENAI_API_VERSION": "2025-01-01",
    }
    variables = made(tmp_path, settings).variables
    assert variables["OPENAI_API_KEY"] == "offline"
    assert not {"AZURE_OPENAI_API_KEY", "OPENAI_API_VERSION"} & set(variables)


@pytest.mark.parametrize("mode", ["auto", "live"])
def test_a_service_of_the_app_s_own_is_left_alone(tmp_path: Path, mode: str) -> None:
    assert made(tmp_path, LIVE, mode) == WorkerEnvironment()


def test_live_leaves_everything_alone(tmp_path: Path) -> None:
    assert made(tmp_path, mode="live") == WorkerEnvironment()


@pytest.mark.parametrize("mode", ["offline", "replay", "record", "rerecord"])
def test_a_mode_that_was_asked_for_wins_over_a_configured_service(
    tmp_path: Path, mode: str
) -> None:
    assert made(tmp_path, LIVE, mode).variables["AZURE_OPENAI_ENDPOINT"] == OWN


def test_recordings_are_played_to_the_app_s_own_calls_too(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "requests.json").write_text("{}")
    assert made(tmp_path, LIVE).variables["AZURE_OPENAI_ENDPOINT"] == OWN


def test_our_own_address_is_no_connection(tmp_path: Path) -> None:
    """A host started by an app of another host, or two in one process."""
    variables = dict(made(tmp_path).variables)
    assert isinstance(connect(FakeSettings(variables), ""), Unconnected)
    assert made(tmp_path, variables).variables["OPENAI_BASE_URL"] == f"{OWN}/v1"


def test_a_proxy_does_not_get_calls_to_this_machine(tmp_path: Path) -> None:
    settings = {"HTTP_PROXY": "http://proxy:8080", "NO_PROXY": "intranet"}
    variables = made(tmp_path, settings).variables
    assert variables["NO_PROXY"] == variables["no_proxy"] == "intranet,127.0.0.1"
    assert "NO_PROXY" not in made(tmp_path).variables


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("requirements.txt", "azure-functions\nopenai>=1\n", True),
        ("requirements.txt", "langchain-openai\n", True),
        ("pyproject.toml", 'dependencies = ["openai"]', True),
        ("requirements.txt", "azure-functions\nopenaiish\nmy-openai-tool\n", False),
        ("other.txt", "openai", False),
    ],
)
def test_apps_that_use_a_client_are_told(tmp_path: Path, file: str, text: str, told: bool) -> None:
    (tmp_path / file).write_text(text)
    notes = made(tmp_path).notes
    assert notes == ((f"OpenAI clients in the app: {OWN} (offline models)",) if told else ())
