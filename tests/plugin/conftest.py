"""What the tests of the plugin import once: runs inside a test forget what they import."""

from __future__ import annotations

import azure.functions  # noqa: F401 - as above
import pytest

import bindings.http
import bindings.openai.embeddings.options
import bindings.openai.models.deterministic
import bindings.openai.options
import bindings.openai.recordings.backend
import bindings.openai.recordings.embeddings
import bindings.openai.testing.models  # noqa: F401 - as above
import emulator.testing.opened  # noqa: F401 - as above


@pytest.fixture(autouse=True)
def _bytecode_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that tests start be as quick as those of users."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


@pytest.fixture(autouse=True)
def _as_at_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest repeats whole failures in its summary where it finds itself in a CI."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
