"""The app's settings: local.settings.json, `.env`, environment; where each value came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from emulator.config.jsonc import read_text
from emulator.config.localsettings import FILE, HostSection, LocalSettings, read_local_settings
from emulator.errors import ConfigError
from emulator.model import Problem, Severity, SourceSpan
from emulator.secrets import masked

__all__ = ["HostSection", "Setting", "Settings", "host_variables", "load_settings", "masked"]

ENVIRONMENT = SourceSpan("environment")
EMULATOR = SourceSpan("emulator")
ENV_FILE = ".env"
_MOST_SHADOWS = 9


class Setting(NamedTuple):
    """One value, where it was written, and what it hides, nearest first."""

    name: str
    value: str
    source: SourceSpan
    shadows: tuple[Setting, ...] = ()

    @property
    def masked(self) -> str:
        return masked(self.name, self.value)


class Settings:
    """All settings as one view. Names are compared without case; `__` means the same as `:`.

    Two are equal when they hold the same values, wherever those were written.
    """

    __slots__ = ("_by_name", "_environment", "host")

    def __init__(
        self,
        settings: Mapping[str, Setting],
        *,
        environment: Mapping[str, str] | None = None,
        host: HostSection | None = None,
    ) -> None:
        """`settings` are by normalised name; `environment` is what a worker is given."""
        self._by_name = dict(settings)
        self._environment = dict(environment or {})
        self.host = host or HostSection()

    @classmethod
    def empty(cls) -> Settings:
        return cls({})

    @classmethod
    def of(cls, values: Mapping[str, str], *, host: HostSection | None = None) -> Settings:
        """Make settings of plain values, as if they came from the environment."""
        by_name = {normalised(name): Setting(name, values[name], ENVIRONMENT) for name in values}
        return cls(by_name, environment=values, host=host)

    def get(self, name: str) -> str | None:
        found = self._by_name.get(normalised(name))
        return None if found is None else found.value

    def names(self) -> Sequence[str]:
        """Return the name of every setting, as it was written."""
        return [each.name for each in self._by_name.values()]

    def section(self, name: str) -> Mapping[str, str]:
        """Return the settings below `name`; keys are lower-case and joined with `:`."""
        start = normalised(name) + ":"
        return {
            key[len(start) :]: each.value
            for key, each in self._by_name.items()
            if key.startswith(start) and len(key) > len(start)
        }

    def source(self, name: str) -> str | None:
        found = self._by_name.get(normalised(name))
        return None if found is None else str(found.source)

    def provenance(self, name: str) -> Setting | None:
        """Return the setting with where it came from and what it shadows."""
        return self._by_name.get(normalised(name))

    def worker_environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return every variable of the app's process, with `extra` over all."""
        return {**self._environment, **(extra or {})}

    def __iter__(self) -> Iterator[Setting]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and normalised(name) in self._by_name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Settings):
            return NotImplemented
        return self._environment == other._environment and self.host == other.host

    def __repr__(self) -> str:
        return f"<Settings: {len(self)}>"


def normalised(name: str) -> str:
    return name.lower().replace("__", ":")


def value_of(variables: Mapping[str, str], name: str) -> str | None:
    """Return a setting whatever the case of its name: Windows hands names over in capitals."""
    if name in variables:
        return variables[name]
    wanted = normalised(name)
    return next((value for key, value in variables.items() if normalised(key) == wanted), None)


def load_settings(root: Path, environ: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """Read the settings of the app in `root`. What cannot be used is left out and told."""
    local = read_local_settings(root)
    problems = list(local.problems)
    layers = [
        _of_file(local),
        _of_env_file(root, environ, problems),
        [Setting(name, value, ENVIRONMENT) for name, value in environ.items()],
        [Setting("AZURE_FUNCTIONS_ENVIRONMENT", "Development", EMULATOR)],
    ]
    by_name: dict[str, Setting] = {}
    for layer in layers:
        for setting in layer:
            if _usable(setting, problems):
                _put(by_name, setting)
    variables = dict(environ)
    for setting in (each for layer in (*layers[:2], layers[3]) for each in layer):
        effective = by_name.get(normalised(setting.name))
        if effective is not None and (setting.name not in environ or setting.source == EMULATOR):
            variables[setting.name] = effective.value
    problems += _notices(by_name)
    problems += _only_in_env_file(by_name.values())
    return Settings(by_name, environment=variables, host=local.host), problems


def host_variables(*, root: Path, port: int) -> dict[str, str]:
    """Return what the official tools set for an app's process beside its settings."""
    return {
        "AzureWebJobsScriptRoot": str(root),
        "FUNCTIONS_CORETOOLS_ENVIRONMENT": "true",
        "WEBSITE_HOSTNAME": f"localhost:{port}",
    }


def _of_file(local: LocalSettings) -> list[Setting]:
    return [Setting(name, value, where) for name, value, where in local.values]


def _of_env_file(root: Path, environ: Mapping[str, str], problems: list[Problem]) -> list[Setting]:
    try:
        text = read_text(root / ENV_FILE, ENV_FILE)
    except ConfigError as error:
        problems.append(Problem("env-file-unreadable", error.message, where=error.where))
        return []
    if text is None:
        return []
    # the patterns of the parser cost 1 ms to build, which apps without the file need not pay
    from emulator.config.dotenv import parse_env

    lines, unreadable = parse_env(text, ENV_FILE, environ.get)
    problems += unreadable
    return [Setting(each.name, each.value, SourceSpan(ENV_FILE, each.line)) for each in lines]


def _usable(setting: Setting, problems: list[Problem]) -> bool:
    """Whether a process can be given it: no name with `=`, no zero bytes, encodable."""
    if setting.source == ENVIRONMENT:
        return True
    try:
        setting.value.encode()
        sound = "\0" not in setting.value
        named = not {"\0", "="} & set(setting.name) and bool(setting.name.encode())
    except UnicodeEncodeError:
        sound = named = False
    if sound and named:
        return True
    problems.append(
        Problem(
            "settings-unusable",
            f"The setting {setting.name!r} has characters that no environment variable can hold",
            severity=Severity.WARNING,
            where=setting.source,
            hint="It is left out: a name has no '=', and neither has zero bytes.",
        )
    )
    return False


def _put(by_name: dict[str, Setting], setting: Setting) -> None:
    key = normalised(setting.name)
    hidden = by_name.pop(key, None)
    if hidden is None or hidden.source == setting.source == ENVIRONMENT:
        by_name[key] = setting
        return
    # All that a file repeats, without end perhaps, is of no interest.
    shadows = (Setting(hidden.name, hidden.value, hidden.source), *hidden.shadows[:_MOST_SHADOWS])
    by_name[key] = Setting(setting.name, setting.value, setting.source, shadows)


def _notices(by_name: Mapping[str, Setting]) -> Iterator[Problem]:
    for setting in by_name.values():
        yield from _shadowing(setting)
        if setting.source == ENVIRONMENT:
            continue
        if setting.value.startswith("@Microsoft.KeyVault("):
            yield Problem(
                "settings-key-vault-reference",
                f"The setting '{setting.name}' is a Key Vault reference and is passed on as it is",
                severity=Severity.WARNING,
                where=setting.source,
                hint="Nothing is fetched from Azure: give the value itself, for example in .env.",
            )
    reserved = by_name.get("container_name")
    if reserved is not None and reserved.source != ENVIRONMENT:
        yield Problem(
            "settings-reserved-name",
            "CONTAINER_NAME is a reserved environment variable for the Functions Host. "
            "Please remove or rename this setting.",
            severity=Severity.WARNING,
            where=reserved.source,
        )


def _only_in_env_file(settings: Iterable[Setting]) -> Iterator[Problem]:
    """Tell of settings that the official tools would not find, or find with another value."""
    found = [each for each in settings if each.source.file == ENV_FILE]
    if found:
        names = ", ".join(each.name for each in found)
        yield Problem(
            "settings-env-file",
            f"{ENV_FILE} gives the value of {names}",
            severity=Severity.INFO,
            where=min((each.source for each in found), key=lambda source: source.line or 0),
            hint=f"Add what the app needs to the app settings on Azure, and to Values of {FILE}.",
            azure=f"{ENV_FILE} is not read: what is no app setting there does not exist.",
        )


def _shadowing(setting: Setting) -> Iterator[Problem]:
    hidden = next((each for each in setting.shadows if each.value != setting.value), None)
    if hidden is None:
        return
    if setting.source == EMULATOR:
        yield Problem(
            "settings-overridden",
            f"{setting.name} already exists with value '{hidden.value}', "
            f"overriding to '{setting.value}'.",
            severity=Severity.WARNING,
            where=hidden.source,
        )
    elif setting.source == ENVIRONMENT and hidden.source.file == FILE:
        yield Problem(
            "settings-shadowed",
            f"Skipping '{hidden.name}' from local settings as it's already defined in current "
            "environment variables.",
            severity=Severity.WARNING,
            where=hidden.source,
            hint=f"Unset {setting.name} in the shell to use the value of the file.",
        )
