"""How long services are waited for, as the settings say."""

from __future__ import annotations

from emulator.sdk import BindingError, SettingsView

MODEL_TIMEOUT = "FUNCEMU_MODEL_TIMEOUT"
"""Seconds one request to a model service may take."""

SERVICE_TIMEOUT = "FUNCEMU_SERVICE_TIMEOUT"
"""Seconds one request to a table or search service may take."""

_SERVICE_SECONDS = 60.0


def service_timeout(settings: SettingsView) -> float:
    return seconds(settings, SERVICE_TIMEOUT, _SERVICE_SECONDS)


def seconds(
    settings: SettingsView, name: str, usual: float, *, least: float = 0.01, most: float = 3600
) -> float:
    """Read a setting that is a number of seconds; `usual` when it is not there."""
    text = settings.get(name)
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise BindingError(
            f"The setting {name} should be seconds from {least:g} to {most:g}, not '{text}'.",
            code="setting-invalid",
        )
    return value
