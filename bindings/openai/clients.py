"""From the settings to what answers: the connection in use, or the models that need none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from bindings.openai.connections import ModelConnection, Unconnected, connect
from bindings.openai.identity import Credentials
from bindings.openai.models.base import ModelBackend, ToolCall
from bindings.openai.models.embedding import EmbeddingBackend, ServiceEmbeddings
from bindings.openai.models.faults import FaultPlan, FaultyBackend
from bindings.openai.models.lexical import LexicalEmbeddings
from bindings.openai.models.replies import TEXT_CALLS_SETTING
from bindings.openai.models.retrying import RetryPolicy
from bindings.openai.patience import MODEL_TIMEOUT, seconds
from bindings.openai.recordings.folder import find_folder, holds_recordings
from bindings.openai.seen import Seen, Tally
from emulator.sdk import BindingError, HostServices, SettingsView

if TYPE_CHECKING:
    from bindings.openai.models.live import LiveBackend
    from bindings.openai.recordings.backend import Mode, RecordingBackend
    from bindings.openai.recordings.embeddings import RecordedVectors
    from bindings.openai.recordings.store import RecordingStore

LOG_CATEGORY = "Microsoft.Azure.WebJobs.Extensions.OpenAI"
SCRIPT_SETTING = "FUNCEMU_MODEL_SCRIPT"
DEFAULT_SCRIPTS = ("model-script.yaml", "model-script.yml")

_RECORDING: Mapping[str, Mode] = {"replay": "replay", "record": "record", "rerecord": "rerecord"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What serves a connection name, in a person's words.

    A script comes first, then recordings, then the service or the offline model; which of them
    take part is said by what is set.
    """

    backend: Literal["live", "script", "deterministic", "recordings"]
    reason: str
    connection: ModelConnection | None = None
    script: Path | None = None
    recordings: Path | None = None
    mode: Mode = "auto"

    @property
    def title(self) -> str:
        if self.recordings is not None:
            first = f"{self._script_title} first, then " if self.script is not None else ""
            there = self.mode != "replay" or self.recordings.is_dir()
            place = f"{self.recordings.name}/{'' if there else ', which does not exist'}"
            return f"{first}recordings in {place}; {self._rest}"
        if self.connection is not None:
            return self.connection.title
        if self.script is not None:
            return f"{self._script_title} ({self.reason})"
        return f"offline model ({self.reason})"

    @property
    def _script_title(self) -> str:
        assert self.script is not None
        return (
            f"script {self.script.name}{'' if self.script.is_file() else ', which does not exist'}"
        )

    @property
    def _rest(self) -> str:
        if self.mode == "auto":
            return "the offline model answers what is not in them (--models live asks the service)"
        if self.connection is None:
            return "what is not in them is refused (--models replay)"
        what = "everything" if self.mode == "rerecord" else "what is not in them"
        return f"{what} is asked of {self.connection.title} and recorded"


class StandIn(Protocol):
    """What a test puts in place of the models. `otherwise` is what the settings choose; `None`
    leaves it at that."""

    def chat_model(self, otherwise: Callable[[], ModelBackend]) -> ModelBackend | None: ...

    def embeddings_model(
        self, otherwise: Callable[[], EmbeddingBackend]
    ) -> EmbeddingBackend | None: ...


class ModelClients:
    """Makes back ends and keeps them: one for each service, credential and retry policy."""

    def __init__(self, host: HostServices, credentials: Credentials) -> None:
        self._host = host
        self._credentials = credentials
        self._backends: dict[object, FaultyBackend] = {}
        self._services: dict[object, LiveBackend] = {}
        self._embeddings: dict[object, EmbeddingBackend] = {}
        self._recorders: dict[object, RecordingBackend] = {}
        self._stores: dict[object, tuple[RecordingStore, RecordedVectors]] = {}
        self._told: set[str] = set()
        self.faults = FaultPlan(host.clock)
        """Trouble that tests ask for."""
        self.tally = Tally()
        self.seen = Seen(host, self.tally)
        self.stand_in: StandIn | None = None

    def choose(self, settings: SettingsView, connection_name: str) -> Choice:
        """Decide what serves; raise `BindingError` when only a service may and none is there."""
        wanted = self._host.flags.get("models", "auto")
        found = connect(settings, connection_name)
        mode = _RECORDING.get(wanted)
        folder = find_folder(self._host.app_root, settings)
        if wanted == "auto" and holds_recordings(folder):
            mode = "auto"
        asks_service = (
            wanted in {"live", "record", "rerecord"}
            or wanted == "auto"
            and mode is None
            and isinstance(found, ModelConnection)
        )
        connection = _required(found, connection_name, wanted) if asks_service else None
        script = None if wanted in {"live", "rerecord"} else self._script(settings)
        if mode is not None:
            return Choice("recordings", "", connection, script, folder, mode)
        if connection is not None:
            return Choice("live", "", connection=connection)
        reason = found.reason if isinstance(found, Unconnected) else "as asked by --models offline"
        if script is not None:
            return Choice("script", reason, script=script)
        return Choice("deterministic", reason)

    def missing(self, settings: SettingsView, connection_name: str) -> list[str]:
        """Return the settings without which nothing will answer."""
        if self._host.flags.get("models", "auto") not in {"live", "record", "rerecord"}:
            return []
        found = connect(settings, connection_name)
        return ["AZURE_OPENAI_ENDPOINT"] if isinstance(found, Unconnected) else []

    def backend(self, settings: SettingsView, connection_name: str) -> FaultyBackend:
        """Return what answers for a connection name."""
        if self.stand_in is not None:
            found = self.stand_in.chat_model(lambda: self._backend(settings, connection_name))
            if found is not None:
                policy = retry_policy(settings)
                return FaultyBackend(found, self.faults, policy=policy, clock=self._host.clock)
        return self._backend(settings, connection_name)

    def _backend(self, settings: SettingsView, connection_name: str) -> FaultyBackend:
        choice = self.choose(settings, connection_name)
        policy = retry_policy(settings)
        if choice.connection is not None:
            self._tell_override(choice.connection)
        stored = self._stored(choice, settings)
        text_calls = _reads_text_calls(settings)
        key = (choice.mode, choice.script, _identity(choice.connection), policy, text_calls, stored)
        if key not in self._backends:
            self._backends[key] = self._make(choice, policy, stored, text_calls=text_calls)
            self._host.log("Information", LOG_CATEGORY, f"Chat models: {choice.title}.")
        return self._backends[key]

    def embeddings(self, settings: SettingsView, connection_name: str) -> EmbeddingBackend:
        """Return what makes vectors for a connection name: recordings, its service, or words."""
        if self.stand_in is not None:
            found = self.stand_in.embeddings_model(
                lambda: self._embeddings_backend(settings, connection_name)
            )
            if found is not None:
                return found
        return self._embeddings_backend(settings, connection_name)

    def _embeddings_backend(self, settings: SettingsView, connection_name: str) -> EmbeddingBackend:
        choice = self.choose(settings, connection_name)
        policy = retry_policy(settings)
        if choice.connection is not None:
            self._tell_override(choice.connection)
        stored = self._stored(choice, settings)
        key = (choice.mode, _identity(choice.connection), policy, stored)
        if key not in self._embeddings:
            self._embeddings[key] = self._make_embeddings(choice, policy, stored)
        return self._embeddings[key]

    def skill_result(
        self, settings: SettingsView, connection_name: str, call: ToolCall
    ) -> str | None:
        """Return what a skill returned when a recorded reply asked for it; `None` when the skill
        shall run."""
        choice = self.choose(settings, connection_name)
        stored = self._stored(choice, settings)
        recorder = self._recorders.get((choice.mode, _identity(choice.connection), stored))
        return None if recorder is None else recorder.skill_result(call)

    async def aclose(self) -> None:
        for backend in self._backends.values():
            await backend.aclose()
        for service in self._services.values():
            await service.aclose()
        self._backends.clear()
        self._services.clear()
        self._embeddings.clear()
        self._recorders.clear()
        self._stores.clear()

    def _make(
        self, choice: Choice, policy: RetryPolicy, stored: object, *, text_calls: bool
    ) -> FaultyBackend:
        # Imported by need: most apps use one of them, and the script reader loads yaml.
        inner: ModelBackend | None = None
        if choice.connection is not None:
            inner = self._service(choice.connection, policy, text_calls=text_calls)
        elif choice.mode != "replay":
            from bindings.openai.models.constrained import Constrained
            from bindings.openai.models.deterministic import DeterministicBackend

            clock = self._host.clock
            inner = Constrained(DeterministicBackend(clock), clock)
        if choice.recordings is not None:
            from bindings.openai.recordings.backend import RecordingBackend

            inner = self._recorders[(choice.mode, _identity(choice.connection), stored)] = (
                RecordingBackend(
                    self._stores[stored][0],
                    mode=choice.mode,
                    otherwise=inner,
                    clock=self._host.clock,
                    tally=self.tally,
                )
            )
        assert inner is not None, "without recordings there is a service or an offline model"
        if choice.script is None:
            return FaultyBackend(inner, self.faults, policy=policy, clock=self._host.clock)
        from bindings.openai.models.scripted import ScriptedBackend

        scripted = ScriptedBackend(choice.script, otherwise=inner)
        return FaultyBackend(
            scripted, self.faults, policy=policy, clock=self._host.clock, scripted=scripted.faults
        )

    def _make_embeddings(
        self, choice: Choice, policy: RetryPolicy, stored: object
    ) -> EmbeddingBackend:
        inner: EmbeddingBackend | None = None
        if choice.connection is not None:
            inner = ServiceEmbeddings(self._service(choice.connection, policy))
        elif choice.mode != "replay":
            inner = LexicalEmbeddings()
        if choice.recordings is None:
            assert inner is not None, "without recordings there is a service, or words"
            return inner
        from bindings.openai.recordings.embeddings import RecordingEmbeddings

        return RecordingEmbeddings(
            self._stores[stored][1],
            mode=choice.mode,
            otherwise=inner,
            tell=lambda text: self._host.log("Warning", LOG_CATEGORY, text),
            tally=self.tally,
        )

    def _service(
        self, connection: ModelConnection, policy: RetryPolicy, *, text_calls: bool = False
    ) -> LiveBackend:
        key = (_identity(connection), policy, text_calls)
        if key not in self._services:
            from bindings.openai.models.live import LiveBackend  # by need

            self._services[key] = LiveBackend(
                connection,
                policy=policy,
                clock=self._host.clock,
                sign_in=lambda: self._credentials.get(connection.identity),
                text_calls=text_calls,
            )
        return self._services[key]

    def _stored(self, choice: Choice, settings: SettingsView) -> object:
        """Return the key of the recordings a choice uses; they are opened if need be."""
        if choice.recordings is None:
            return None
        # By need, as above.
        from bindings.openai.recordings.embeddings import RecordedVectors
        from bindings.openai.recordings.redact import Redactor
        from bindings.openai.recordings.rules import read_rules
        from bindings.openai.recordings.store import RecordingStore

        folder = choice.recordings
        rules = read_rules(folder, settings)
        redactor = Redactor.of(settings, self._host.host_json)
        key = (folder, msgspec.json.encode(rules), redactor.secrets)
        if key not in self._stores:
            store = RecordingStore(folder, rules=rules, redactor=redactor)
            self._stores[key] = store, RecordedVectors(folder, redactor)
        return key

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


def retry_policy(settings: SettingsView) -> RetryPolicy:
    """Return the retry policy; `FUNCEMU_MODEL_RETRY_DELAY` sets its delay in seconds,
    `FUNCEMU_MODEL_TIMEOUT` how long an attempt may take."""
    usual = RetryPolicy()
    return RetryPolicy(
        delay=seconds(settings, "FUNCEMU_MODEL_RETRY_DELAY", usual.delay, least=0, most=60),
        timeout=seconds(settings, MODEL_TIMEOUT, usual.timeout),
    )


def _required(
    found: ModelConnection | Unconnected, connection_name: str, mode: str
) -> ModelConnection:
    if isinstance(found, ModelConnection):
        return found
    raise BindingError(
        f"Configuration section '{connection_name}' is missing required 'Endpoint' "
        "and/or 'Key' values.",
        hint=f"{found.reason[:1].upper()}{found.reason[1:]}. Set AZURE_OPENAI_ENDPOINT "
        f"and AZURE_OPENAI_KEY, or OPENAI_API_KEY, or start without --models {mode}.",
        code="model-unconnected",
    )


def _reads_text_calls(settings: SettingsView) -> bool:
    return (settings.get(TEXT_CALLS_SETTING) or "").strip().lower() in {"true", "1"}


def _identity(connection: ModelConnection | None) -> object:
    """Return what makes two connections the same."""
    if connection is None:
        return None
    return (connection.service, connection.endpoint, connection.key, connection.identity)
