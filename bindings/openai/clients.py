"""From the settings to what answers: the connection in use, or the models that need none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from bindings.openai.identity import Credentials
from bindings.openai.models.base import ModelBackend
from bindings.openai.models.embedding import EmbeddingBackend, Service, ServiceEmbeddings
from bindings.openai.models.faults import FaultPlan, FaultyBackend
from bindings.openai.models.lexical import LexicalEmbeddings
from bindings.openai.models.retrying import RetryPolicy
from bindings.openai.placeholders import is_placeholder
from bindings.openai.signin import Keys, completed, describe, identity_keys
from emulator.sdk import BindingError, HostServices, SettingsView

LOG_CATEGORY = "Microsoft.Azure.WebJobs.Extensions.OpenAI"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
SCRIPT_SETTING = "FUNCEMU_MODEL_SCRIPT"
DEFAULT_SCRIPTS = ("model-script.yaml", "model-script.yml")


@dataclass(frozen=True, slots=True)
class ModelConnection:
    """A model service and how to be let in. The sources name settings, never their values."""

    service: Literal["openai", "azure-openai"]
    endpoint: str
    endpoint_source: str
    key: str | None = field(default=None, repr=False)
    key_source: str = ""
    identity: Keys = field(default=(), repr=False)
    identity_source: str = ""
    overridden: str = ""
    """The connection name that counts for nothing because `OPENAI_API_KEY` is set."""

    @property
    def title(self) -> str:
        name = "OpenAI" if self.service == "openai" else "Azure OpenAI"
        access = f"key from {self.key_source}" if self.key else self.identity_source
        return f"{name} at {self.endpoint} ({self.endpoint_source}; {access})"


@dataclass(frozen=True, slots=True)
class Unconnected:
    """No usable connection, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What serves a connection name, in a person's words."""

    backend: Literal["live", "script", "deterministic"]
    reason: str
    connection: ModelConnection | None = None
    script: Path | None = None

    @property
    def title(self) -> str:
        if self.connection is not None:
            return self.connection.title
        if self.script is not None:
            missing = "" if self.script.is_file() else ", which does not exist"
            return f"script {self.script.name}{missing} ({self.reason})"
        return f"offline model ({self.reason})"


class ModelClients:
    """Makes back ends and keeps them: one for each service, credential and retry policy."""

    def __init__(self, host: HostServices, credentials: Credentials) -> None:
        self._host = host
        self._credentials = credentials
        self._backends: dict[object, ModelBackend] = {}
        self._told: set[str] = set()
        self.faults = FaultPlan(host.clock)
        """Trouble that tests ask for."""

    def choose(self, settings: SettingsView, connection_name: str) -> Choice:
        """Decide what serves; raise `BindingError` when only a service may and none is there."""
        mode = self._host.flags.get("models", "auto")
        found = connect(settings, connection_name)
        if mode == "live" or (mode == "auto" and isinstance(found, ModelConnection)):
            if isinstance(found, Unconnected):
                raise BindingError(
                    f"Configuration section '{connection_name}' is missing required 'Endpoint' "
                    "and/or 'Key' values.",
                    hint=f"{found.reason[:1].upper()}{found.reason[1:]}. Set AZURE_OPENAI_ENDPOINT "
                    "and AZURE_OPENAI_KEY, or OPENAI_API_KEY, or start without --models live.",
                    code="model-unconnected",
                )
            return Choice("live", "", connection=found)
        reason = found.reason if isinstance(found, Unconnected) else "as asked by --models offline"
        script = self._script(settings)
        if script is not None:
            return Choice("script", reason, script=script)
        return Choice("deterministic", reason)

    def missing(self, settings: SettingsView, connection_name: str) -> list[str]:
        """Return the settings without which nothing will answer."""
        if self._host.flags.get("models", "auto") != "live":
            return []
        found = connect(settings, connection_name)
        return ["AZURE_OPENAI_ENDPOINT"] if isinstance(found, Unconnected) else []

    def backend(self, settings: SettingsView, connection_name: str) -> ModelBackend:
        """Return what answers for a connection name."""
        choice = self.choose(settings, connection_name)
        policy = retry_policy(settings)
        if choice.connection is not None:
            self._tell_override(choice.connection)
            connection = choice.connection
            key: object = (
                connection.service,
                connection.endpoint,
                connection.key,
                connection.identity,
                policy,
            )
        else:
            key = (choice.backend, choice.script, policy)
        if key not in self._backends:
            self._backends[key] = self._make(choice, policy)
            self._host.log("Information", LOG_CATEGORY, f"Chat models: {choice.title}.")
        return self._backends[key]

    def embeddings(self, settings: SettingsView, connection_name: str) -> EmbeddingBackend:
        """Return what makes vectors for a connection name: its service, or words alone."""
        if self.choose(settings, connection_name).connection is None:
            return LexicalEmbeddings()
        backend = self.backend(settings, connection_name)
        return ServiceEmbeddings(cast(Service, backend))

    async def aclose(self) -> None:
        for backend in self._backends.values():
            await backend.aclose()
        self._backends.clear()

    def _make(self, choice: Choice, policy: RetryPolicy) -> ModelBackend:
        # Imported by need: most apps use one of them, and the script reader loads yaml.
        if choice.connection is not None:
            from bindings.openai.models.live import LiveBackend

            identity = choice.connection.identity
            return LiveBackend(
                choice.connection,
                policy=policy,
                clock=self._host.clock,
                sign_in=lambda: self._credentials.get(identity),
            )
        from bindings.openai.models.deterministic import DeterministicBackend

        deterministic = DeterministicBackend(self._host.clock)
        if choice.script is None:
            return deterministic
        from bindings.openai.models.scripted import ScriptedBackend

        scripted = ScriptedBackend(choice.script, otherwise=deterministic)
        return FaultyBackend(
            scripted, self.faults, policy=policy, clock=self._host.clock, scripted=scripted.faults
        )

    def _script(self, settings: SettingsView) -> Path | None:
        root = self._host.app_root
        named = settings.get(SCRIPT_SETTING)
        if named:
            return root / named
        return next((root / name for name in DEFAULT_SCRIPTS if (root / name).is_file()), None)

    def _tell_override(self, connection: ModelConnection) -> None:
        if connection.overridden and connection.overridden not in self._told:
            self._told.add(connection.overridden)
            self._host.log(
                "Warning",
                LOG_CATEGORY,
                f"{connection.key_source}, is set, so the connection "
                f"'{connection.overridden}' is ignored and OpenAI is asked, as on Azure.",
            )


def connect(settings: SettingsView, connection_name: str) -> ModelConnection | Unconnected:
    """Find the service as the official extension does.

    Differences: placeholders count as nothing, and a section with its own identity is not mixed
    with a key from the environment.
    """
    openai_key = settings.get("OPENAI_API_KEY") or ""
    if openai_key and not is_placeholder(openai_key):
        base = settings.get("OPENAI_BASE_URL") or ""
        return ModelConnection(
            "openai",
            base.rstrip("/") or DEFAULT_BASE_URL,
            _told_source(settings, "OPENAI_BASE_URL") if base else "default",
            openai_key,
            _told_source(settings, "OPENAI_API_KEY"),
            overridden=connection_name,
        )
    section = settings.section(connection_name) if connection_name else {}
    endpoint, endpoint_setting = _first(
        (section.get("endpoint"), f"{connection_name}__Endpoint"),
        (settings.get("AZURE_OPENAI_ENDPOINT"), "AZURE_OPENAI_ENDPOINT"),
    )
    if not endpoint:
        return Unconnected("no model connection is configured")
    if is_placeholder(endpoint) or not _is_url(endpoint):
        return Unconnected(f"{endpoint_setting} is not a service address yet")
    return _azure(settings, connection_name, section, endpoint, endpoint_setting)


def _azure(
    settings: SettingsView,
    connection_name: str,
    section: Mapping[str, str],
    endpoint: str,
    endpoint_setting: str,
) -> ModelConnection | Unconnected:
    identity = identity_keys(section)
    keys = [(section.get("key"), f"{connection_name}__Key")]
    if not (section.get("endpoint") and identity):
        keys.append((settings.get("AZURE_OPENAI_KEY"), "AZURE_OPENAI_KEY"))
    key, key_setting = _first(*keys)
    if key and is_placeholder(key):
        if not identity:
            return Unconnected(f"{key_setting} is a placeholder")
        key = ""
    if key:
        who, identity = "", ()
    else:
        who = describe(identity, connection_name, settings)
        identity = completed(identity, settings)
    return ModelConnection(
        "azure-openai",
        endpoint.rstrip("/"),
        _told_source(settings, endpoint_setting),
        key or None,
        _told_source(settings, key_setting) if key else "",
        identity=identity,
        identity_source=who,
    )


def retry_policy(settings: SettingsView) -> RetryPolicy:
    """Return the retry policy; `FUNCEMU_MODEL_RETRY_DELAY` sets its delay in seconds."""
    text = settings.get("FUNCEMU_MODEL_RETRY_DELAY")
    if not text:
        return RetryPolicy()
    try:
        delay = float(text)
    except ValueError:
        delay = -1.0
    if not 0 <= delay <= 60:
        raise BindingError(
            f"The setting FUNCEMU_MODEL_RETRY_DELAY should be seconds from 0 to 60, not '{text}'."
        )
    return RetryPolicy(delay=delay)


def _first(*candidates: tuple[str | None, str]) -> tuple[str, str]:
    return next(((value, name) for value, name in candidates if value), ("", ""))


def _told_source(settings: SettingsView, name: str) -> str:
    source = settings.source(name)
    return f"{name}, {source}" if source else name


def _is_url(text: str) -> bool:
    parts = urlsplit(text.strip())
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
