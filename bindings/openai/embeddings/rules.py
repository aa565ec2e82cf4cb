"""What may be read for embeddings: which folders, how much, how long."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bindings.openai.embeddings.hosts import LOCALHOST, URL_HOSTS_SETTING, Hosts
from emulator.sdk import BindingError, SettingsView

FILES_ROOT_SETTING = "FUNCEMU_EMBEDDINGS_FILES_ROOT"
MAX_BYTES_SETTING = "FUNCEMU_EMBEDDINGS_MAX_BYTES"
TIMEOUT_SETTING = "FUNCEMU_EMBEDDINGS_TIMEOUT"

_DEFAULT_MAX_BYTES = 20 * 1024 * 1024
_DEFAULT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class InputRules:
    """What may be read. `roots` are the folders files may lie in; relative paths are taken from
    the first. `hosts` are those of this machine and its networks that pages may come from."""

    roots: tuple[Path, ...]
    max_bytes: int = _DEFAULT_MAX_BYTES
    timeout: float = _DEFAULT_TIMEOUT
    hosts: Hosts = LOCALHOST

    @classmethod
    def of(cls, app_root: Path, settings: SettingsView) -> InputRules:
        listed = (settings.get(FILES_ROOT_SETTING) or "").split(os.pathsep)
        return cls(
            roots=(app_root, *(app_root / each.strip() for each in listed if each.strip())),
            max_bytes=int(_positive(settings, MAX_BYTES_SETTING, _DEFAULT_MAX_BYTES)),
            timeout=_positive(settings, TIMEOUT_SETTING, _DEFAULT_TIMEOUT),
            hosts=Hosts.of(settings.get(URL_HOSTS_SETTING)),
        )


def too_large(what: str, limit: int) -> BindingError:
    return BindingError(
        f"{what} is larger than {limit:,} bytes.",
        hint=f"Raise the setting {MAX_BYTES_SETTING} to embed it.",
        code="embeddings-input-too-large",
    )


def _positive(settings: SettingsView, name: str, default: float) -> float:
    text = settings.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise BindingError(
            f"The setting {name} should be a number above 0, not '{text}'.", code="setting-invalid"
        )
    return value
