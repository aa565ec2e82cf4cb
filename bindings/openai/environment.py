"""What code of the app that calls a model service itself finds in its environment: our address.

Light, for it runs before the app's process is started.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bindings.openai.connections import OWN_PATH, ModelConnection, connect, is_own
from bindings.openai.placeholders import is_placeholder
from bindings.openai.recordings.folder import find_folder, holds_recordings
from emulator.sdk import SettingsView, WorkerEnvironment

KEY = "offline"
"""Clients want one; the models here take any."""

API_VERSION = "2024-10-21"

_MENTIONS = ("requirements.txt", "pyproject.toml")
_OPENAI = re.compile(r"(?<![\w-])(?:langchain-openai|openai|semantic-kernel)(?![\w-])", re.I)


def environment(
    *, settings: SettingsView, app_root: Path, url: str, flags: Mapping[str, str]
) -> WorkerEnvironment:
    """Point OpenAI clients to this host unless the app has a service of its own to ask.

    A mode that was asked for holds for the app's own calls as well, so that `--models replay`
    reaches no service.
    """
    mode = flags.get("models", "auto")
    connected = isinstance(connect(settings, ""), ModelConnection)
    plays = holds_recordings(find_folder(app_root, settings))
    if mode == "live" or (mode == "auto" and connected and not plays):
        return WorkerEnvironment()
    own = f"{url}{OWN_PATH}"
    wanted = {
        "OPENAI_BASE_URL": f"{own}/v1",
        "OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_ENDPOINT": own,
        "AZURE_OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_KEY": KEY,
    }
    decides = mode != "auto" or connected
    variables = {
        name: value
        for name, value in wanted.items()
        if decides or not _is_set(settings.get(name) or "")
    }
    if not _is_set(settings.get("OPENAI_API_VERSION") or ""):
        variables["OPENAI_API_VERSION"] = API_VERSION  # Azure's client does not start without
    variables |= _unproxied(settings, url)
    note = f"OpenAI clients in the app: {own} ({_answered_by(mode, plays=plays)})"
    return WorkerEnvironment(variables, (note,) if _mentions_openai(app_root) else ())


def _answered_by(mode: str, *, plays: bool) -> str:
    if mode in {"record", "rerecord"}:
        return "asks the configured service and records it"
    if mode == "replay" or (mode == "auto" and plays):
        return "plays recordings"
    return "offline models"


def _is_set(value: str) -> bool:
    return bool(value) and not is_placeholder(value) and not is_own(value)


def _unproxied(settings: SettingsView, url: str) -> dict[str, str]:
    """Keep a proxy of the machine away from calls to this host."""
    if not any(settings.get(name) for name in ("HTTP_PROXY", "ALL_PROXY")):
        return {}
    name = url.partition("://")[2].rpartition(":")[0]
    known = settings.get("NO_PROXY") or ""
    value = ",".join(part for part in (known, name) if part)
    return {"NO_PROXY": value, "no_proxy": value}


def _mentions_openai(app_root: Path) -> bool:
    for name in _MENTIONS:
        try:
            text = (app_root / name).read_text("utf-8", errors="replace")
        except OSError:
            continue
        if _OPENAI.search(text):
            return True
    return False
