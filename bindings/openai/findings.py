"""How models, chats and documents stand: for `funcemu doctor` and `funcemu settings explain`."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from bindings.openai.chats.accounts import CHAT_STORE_SETTING, DEFAULT_CONNECTION, find_account
from bindings.openai.clients import ModelClients
from bindings.openai.vectors.stores import VectorStores
from emulator.sdk import BindingError, Finding, SettingsView

_LOCAL_WAIT = 0.3

SETTINGS = {
    "AZURE_OPENAI_ENDPOINT": "the model service of connections that name none.",
    "AZURE_OPENAI_KEY": "the key of that service.",
    "AzureWebJobsStorage": "the storage account of chats, unless a binding names another.",
    "FUNCEMU_ASSISTANT_DROP_EMPTY_MESSAGES": "leaves messages without text out of a turn.",
    "FUNCEMU_ASSISTANT_MAX_HISTORY": "the most messages a model is sent of a chat.",
    "FUNCEMU_CHAT_STORE": "keeps chats in azurite, or embedded.",
    "FUNCEMU_EMBEDDINGS_BATCH": "how many texts a model is sent at once.",
    "FUNCEMU_EMBEDDINGS_FILES_ROOT": "the folder whose files embeddings may read.",
    "FUNCEMU_EMBEDDINGS_FORMAT": "delivers vectors as base64 or as array.",
    "FUNCEMU_EMBEDDINGS_MAX_BYTES": "the largest file or page embeddings may read.",
    "FUNCEMU_EMBEDDINGS_TIMEOUT": "seconds a page may take.",
    "FUNCEMU_EMBEDDINGS_URL_HOSTS": "the hosts of this machine's networks whose pages may be read.",
    "FUNCEMU_MODEL_RETRY_DELAY": "seconds before a model is asked again.",
    "FUNCEMU_MODEL_SCRIPT": "the script that answers for models.",
    "FUNCEMU_MODEL_TEXT_TOOL_CALLS": "reads calls of skills that a model writes as text.",
    "FUNCEMU_MODEL_TIMEOUT": "seconds one request to a model service may take.",
    "FUNCEMU_RECORDINGS": "the folder of recorded answers.",
    "FUNCEMU_RECORDINGS_DRIFT": "what a recording that no longer fits means: ignore, warn or fail.",
    "FUNCEMU_RECORDINGS_SKILLS": "whether skills run, or their recorded results count.",
    "FUNCEMU_SERVICE_TIMEOUT": "seconds one request to a table or search service may take.",
    "OPENAI_API_KEY": "asks OpenAI, whatever connections say.",
    "OPENAI_BASE_URL": "another service that speaks as OpenAI does.",
}


def model_findings(
    models: ModelClients, settings: SettingsView, names: Iterable[str]
) -> Iterator[Finding]:
    """Which service or offline model serves each connection, and from which setting."""
    scripts: dict[Path, None] = {}
    for name in dict.fromkeys(names):
        what = f"The connection '{name}'" if name else "Models without a connection"
        try:
            choice = models.choose(settings, name)
        except BindingError as error:
            yield Finding("bad", f"{what}: {error.message}", error.hint)
            continue
        found = choice.connection
        if found is None or choice.backend != "live":
            missing = choice.script is not None and not choice.script.is_file()
            hint = "Write that file, or unset FUNCEMU_MODEL_SCRIPT." if missing else None
            yield Finding(
                "bad" if missing else "good", f"{what} is served by: {choice.title}.", hint
            )
            if choice.script is not None and not missing:
                scripts[choice.script] = None
            continue
        service = "OpenAI" if found.service == "openai" else "Azure OpenAI"
        access = f"key from {found.key_source}" if found.key else found.identity_source
        address = f"address from {found.endpoint_source}"
        if found.endpoint_source == "default":
            address = "its usual address"
        yield Finding("good", f"{what} is served by {service}: {address}, {access}.")
    for script in scripts:
        yield from _script_findings(script)


def _script_findings(script: Path) -> Iterator[Finding]:
    """What is wrong with a model script: every call of a model would fail with it."""
    from bindings.openai.models.script import read_script  # loads yaml

    try:
        read_script(script)
    except BindingError as error:
        yield Finding("bad", error.message, error.hint)


def chat_findings(settings: SettingsView, names: Iterable[str | None]) -> Iterator[Finding]:
    """Where chats of each storage connection are kept."""
    for shown in dict.fromkeys(name or DEFAULT_CONNECTION for name in names):
        try:
            account = find_account(settings, shown)
        except BindingError as error:
            yield Finding("bad", f"Chats of '{shown}': {error.message}", error.hint)
            continue
        if account.connection is None:
            yield Finding("good", f"Chats of '{shown}' are kept in the embedded store.")
            continue
        place = f"Chats of '{shown}' are kept in table storage '{account.name}'"
        if _is_silent(account.name):
            yield Finding(
                "bad",
                f"{place}, which does not answer.",
                f"Start Azurite (npx azurite), or unset {CHAT_STORE_SETTING}.",
            )
            continue
        yield Finding("good", f"{place} ({account.connection.access}).")


def document_findings(
    vectors: VectorStores, settings: SettingsView, names: Iterable[str]
) -> Iterator[Finding]:
    """Where documents of each search connection are kept."""
    for name in dict.fromkeys(names):
        told = vectors.describe(settings, name)
        if told.startswith("none"):
            yield Finding("bad", f"Documents of '{name}' have no place.", told)
        else:
            yield Finding("good", f"Documents of '{name}' are kept here: {told}.")


def _is_silent(place: str) -> bool:
    """Whether a place on this machine does not answer; others are not asked."""
    host, _, number = place.partition("/")[0].partition(":")
    if host not in {"127.0.0.1", "localhost"} or not number.isdecimal():
        return False
    try:
        with socket.create_connection((host, int(number)), timeout=_LOCAL_WAIT):
            return False
    except OSError:
        return True
