"""What `funcemu doctor` looks at: each check says what it found, and the next step."""

from __future__ import annotations

import platform
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from emulator import __version__
from emulator.assemble import Starter
from emulator.config.connections import is_development_storage, is_placeholder
from emulator.config.knownsettings import KNOWN_SETTINGS, known_purpose
from emulator.config.options import Options
from emulator.config.settings import ENVIRONMENT, Setting, Settings, host_variables
from emulator.errors import ConfigError, WorkerStartError
from emulator.model import AppModel
from emulator.runtime.launch import Configuration
from emulator.sdk import Extension, Finding
from emulator.server.listening import listen
from emulator.state.presence import running_hosts
from emulator.workers.channel import Interpreter
from emulator.workers.environment import worker_environment
from emulator.workers.languages import runtime_title
from emulator.workers.selection import find_worker

_AZURITE_PORTS = (10000, 10001, 10002)
_ENDPOINT = r"(?i)(?:Blob|Queue|Table)Endpoint=https?://([^/:;]+):(\d+)"
_LOCAL_WAIT = 0.3
_LITTLE_SPACE = 100 * 1024 * 1024
_IDENTITY = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")
_PROOFS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
)
_PREFIXES = ("FUNCTIONS_", "AZUREWEBJOBS", "FUNCEMU_")


def machine() -> Iterator[Finding]:
    yield Finding(
        "good",
        f"funcemu {__version__} runs on Python {platform.python_version()} ({sys.executable}).",
    )


def interpreter(starter: Starter, configuration: Configuration) -> Iterator[Finding]:
    """What would run the app, and why that."""
    variables = host_variables(root=starter.root, port=starter.port)
    environment = configuration.settings.worker_environment(variables)
    try:
        found = find_worker(
            starter.root,
            worker_environment(starter.root, environment),
            python=starter.options.python,
        )
    except WorkerStartError as error:
        yield Finding("bad", f"{_sentence(error.message)}.", _sentence(error.hint or ""))
        return
    title = runtime_title(found.language)
    if isinstance(found, Interpreter):
        yield Finding("good", f"The app's {title} is {found.executable} ({found.reason}).")
    else:
        yield Finding("good", f"The worker for {title} is in {found.directory} ({found.reason}).")


def port(options: Options) -> Iterator[Finding]:
    if options.port == 0:
        yield Finding("good", "The host takes a free port.")
        return
    for host in running_hosts(options.state_folder):
        if host.url.endswith(f":{options.port}"):
            yield Finding("good", f"This app is being served already: {host.url}.")
            return
    address = "127.0.0.1" if options.host == "localhost" else options.host
    try:
        listen(address, options.port).close()
    except ConfigError:
        yield Finding(
            "bad",
            f"Port {options.port} of {address} is taken.",
            "Stop what listens there, or start with --port 0 for a free one.",
        )
        return
    yield Finding("good", f"Port {options.port} is free.")


def state(options: Options) -> Iterator[Finding]:
    """Whether the state folder can be written."""
    if options.ephemeral:
        yield Finding("good", "State is kept in memory and forgotten at the end.")
        return
    folder = options.state_folder
    place = next(each for each in (folder, *folder.resolve().parents) if each.is_dir())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield Finding(
            "bad",
            f"State cannot be kept in {folder}: {error.strerror or error}.",
            "Choose another folder with --state-dir, or start with --ephemeral.",
        )
        return
    free = shutil.disk_usage(place).free
    if free < _LITTLE_SPACE:
        yield Finding(
            "warn",
            f"State is kept in {folder}, where only {free // 1024 // 1024} MB are free.",
            "Make room, or choose another folder with --state-dir.",
        )
        return
    yield Finding("good", f"State is kept in {folder}.")


def azurite(settings: Settings) -> Iterator[Finding]:
    """Whether the storage emulator answers where a connection points to it."""
    for setting in settings:
        if not is_development_storage(setting.value):
            continue
        silent = [place for place in _places(setting.value) if not _answers(*place)]
        if not silent:
            yield Finding("good", f"{setting.name} points to Azurite, which answers.")
        elif setting.name.lower() == "azurewebjobsstorage":
            yield Finding(
                "good",
                f"{setting.name} is development storage; Azurite is not running, and the host "
                "does not need it.",
            )
        else:
            ports = ", ".join(f"{host}:{number}" for host, number in silent)
            yield Finding(
                "warn",
                f"{setting.name} points to Azurite, which does not answer on {ports}.",
                "Start it (npx azurite) before your code uses that storage.",
            )


def identity(settings: Settings) -> Iterator[Finding]:
    """Whether the variables of an Azure identity are complete; nobody is asked."""
    given = [name for name in (*_IDENTITY, *_PROOFS) if _has_value(settings, name)]
    proofs = [name for name in given if name in _PROOFS]
    if proofs:
        missing = [name for name in _IDENTITY if name not in given]
        if missing:
            yield Finding(
                "warn",
                f"{proofs[0]} is set, but not {' and '.join(missing)}: it cannot sign in.",
                f"Set {' and '.join(missing)}, or unset {proofs[0]}.",
            )
            return
        for name in proofs[:1]:
            path = settings.get(name) or ""
            if name != "AZURE_CLIENT_SECRET" and not Path(path).is_file():
                yield Finding(
                    "warn", f"The file that {name} names does not exist.", "Check its path."
                )
                return
        yield Finding("good", f"An Azure identity is configured by {', '.join(given)}.")
        return
    tools = [name for name in ("az", "azd") if shutil.which(name)]
    if tools:
        yield Finding(
            "good",
            f"No Azure identity is configured by variables; {' and '.join(tools)} may be signed "
            "in. Only connections without a key need one.",
        )
    else:
        yield Finding("good", "No Azure identity is configured; connections with a key need none.")


def names(settings: Settings, app: AppModel, extensions: Iterable[Extension]) -> Iterator[Finding]:
    """Names of settings that nobody reads and that are nearly one that somebody does."""
    theirs = {name for each in extensions for name in each.settings()}
    known = {name.lower(): name for name in (*KNOWN_SETTINGS, *theirs)}
    for setting in settings:
        disabled = re.fullmatch(r"(?i)AzureWebJobs[._](.+)[._]Disabled", setting.name)
        if disabled is not None:
            everything = (*app.functions, *app.excluded)
            if not any(each.name.lower() == disabled[1].lower() for each in everything):
                yield Finding(
                    "warn",
                    f"{setting.name} ({setting.source}) disables a function that does not exist.",
                    f"Functions: {', '.join(each.name for each in everything) or 'none'}.",
                )
        elif _may_be_a_slip(setting) and setting.name.lower() not in known:
            near = get_close_matches(setting.name.lower(), known, n=1, cutoff=0.85)
            if near:
                yield Finding(
                    "warn",
                    f"Nothing reads the setting {setting.name} ({setting.source}).",
                    f"Did you mean {known[near[0]]}?",
                )


def _may_be_a_slip(setting: Setting) -> bool:
    if known_purpose(setting.name) is not None or "__" in setting.name or ":" in setting.name:
        return False  # a section has names of its own
    return setting.source != ENVIRONMENT or setting.name.upper().startswith(_PREFIXES)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _has_value(settings: Settings, name: str) -> bool:
    value = settings.get(name)
    return bool(value) and not is_placeholder(value or "")


def _places(connection_string: str) -> list[tuple[str, int]]:
    named = [(host, int(number)) for host, number in re.findall(_ENDPOINT, connection_string)]
    return named or [("127.0.0.1", number) for number in _AZURITE_PORTS]


def _answers(host: str, number: int) -> bool:
    try:
        with socket.create_connection((host, number), timeout=_LOCAL_WAIT):
            return True
    except OSError:
        return False
