"""The settings of an app as a test reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.config.settings import Settings
from emulator.config.suggest import did_you_mean


class AppSettings(Mapping[str, str]):
    """The app settings in force; names count without case, `__` means the same as `:`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __getitem__(self, name: str) -> str:
        value = self._settings.get(name)
        if value is None:
            hint = did_you_mean(name, self) or "Give it with functions_app(settings={…})."
            raise KeyError(f"there is no setting '{name}'. {hint}")
        return value

    def __iter__(self) -> Iterator[str]:
        return (each.name for each in self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def source(self, name: str) -> str | None:
        """Say where a value comes from: `local.settings.json:4:5`, `.env`, `environment`."""
        return self._settings.source(name)
