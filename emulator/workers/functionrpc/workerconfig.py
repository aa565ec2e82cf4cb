"""`worker.config.json`: how the worker in that folder wants to be started."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.config.jsonc import read
from emulator.config.settings import value_of
from emulator.config.timespan import parse_timespan
from emulator.errors import ConfigError, WorkerStartError
from emulator.workers.channel import RpcWorker

FILE = "worker.config.json"
VERSION_SETTING = "FUNCTIONS_WORKER_RUNTIME_VERSION"
_VARIABLE = re.compile(r"%([^%]+)%")
_WORD = re.compile(r'(?:[^\s"\\]|\\"?|"(?:[^"\\]|\\"?)*"?)+')
_QUOTES = re.compile(r'(\\?)"')
_SYSTEMS = {"linux": "LINUX", "darwin": "OSX", "win32": "WINDOWS"}
_ARCHITECTURES = {"x86_64": "X64", "amd64": "X64", "aarch64": "Arm64", "arm64": "Arm64"}


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """A worker's folder and what its file says, the profiles that apply included."""

    directory: Path
    description: Mapping[str, Any]
    process: Mapping[str, Any]

    @property
    def disabled(self) -> bool:
        return bool(self.description.get("isdisabled"))


def read_config(directory: Path, environment: Mapping[str, str]) -> WorkerConfig:
    """Read the file of a worker's folder; raises `WorkerStartError` when it cannot be used."""
    path = directory / FILE
    try:
        document = read(path, str(path))
    except ConfigError as error:
        raise WorkerStartError(
            f"the worker in {directory} cannot be used: {error.message}", hint=error.hint
        ) from error
    value = None if document is None else document.value
    if not isinstance(value, dict):
        raise WorkerStartError(
            f"there is no {FILE} in {directory}",
            hint="name the folder of one worker, such as …/workers/java",
        )
    members = _folded(value)
    description = _folded(members.get("description"))
    for profile in members.get("profiles") or ():
        settings = _folded(profile)
        conditions = settings.get("conditions") or ()
        if conditions and all(_holds(_folded(each), environment) for each in conditions):
            description |= _folded(settings.get("description"))
    return WorkerConfig(directory, description, _folded(members.get("processoptions")))


def _folded(value: object) -> dict[str, Any]:
    """Names in lower case: the official host compares them without case."""
    return (
        {str(name).lower(): each for name, each in value.items()} if isinstance(value, dict) else {}
    )


def _holds(condition: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether a profile's condition is met. Properties of Azure's hosts are not met here."""
    if str(condition.get("conditiontype", "")).lower() != "environment":
        return False
    given = value_of(environment, str(condition.get("conditionname", ""))) or ""
    try:
        expression = str(condition.get("conditionexpression", ""))
        return bool(given and expression) and re.search(expression, given) is not None
    except re.error:
        return False


def rpc_worker(
    config: WorkerConfig, language: str, environment: Mapping[str, str], reason: str
) -> RpcWorker:
    """Return how the worker is started for apps in a language, which it may call otherwise; the
    app's settings win over its own file."""
    description = config.description

    def setting(name: str) -> str | None:
        return value_of(environment, f"languageWorkers__{language}__{name}")

    version = (
        _version(value_of(environment, VERSION_SETTING), description)
        or setting("defaultRuntimeVersion")
        or str(description.get("defaultruntimeversion") or "")
    )
    directory = config.directory
    if description.get("workerdirectory"):
        directory = directory / str(description["workerdirectory"])
    fill = _Filler(environment, version, config)
    executable = setting("defaultExecutablePath") or str(
        description.get("defaultexecutablepath") or ""
    )
    given = setting("arguments")
    return RpcWorker(
        language=language,
        directory=directory,
        executable=fill(executable),
        worker_path=_worker_path(fill, directory, description),
        reason=reason,
        arguments=(*fill.words(description.get("arguments")), *fill.words([given or ""])),
        worker_arguments=fill.words(description.get("workerarguments")),
        indexes=str(description.get("workerindexing") or "").lower() == "true",
        runtime_version=version,
        folder=_working_folder(fill, directory, description),
        processes=_processes(config.process),
        startup_timeout=_seconds(config.process, "processStartupTimeout", 60.0),
        initialization_timeout=_seconds(config.process, "initializationTimeout", 10.0),
        shutdown_timeout=_seconds(config.process, "processShutdownTimeout", 10.0),
    )


def _version(given: str | None, description: Mapping[str, Any]) -> str | None:
    """Return what counts of the version a setting names: `7.4` of `~7.4`, if the worker says so."""
    pattern = str(description.get("sanitizeruntimeversionregex") or "")
    if not given or not pattern:
        return given
    try:
        found = re.search(pattern, given)
    except re.error:
        return given
    if found is None:
        raise WorkerStartError(
            f"{VERSION_SETTING} is '{given}', which is no version of {description.get('language')}",
            hint=f"name a version such as {(_versions(description) or ['7.4'])[-1]}",
        )
    return found[0]


def _versions(description: Mapping[str, Any]) -> list[str]:
    listed = description.get("supportedruntimeversions")
    return [str(each) for each in listed] if isinstance(listed, list) else []


class _Filler:
    """Puts values for the places in a text: `%NAME%`, `{os}`, `{architecture}`, `{WorkerRoot}`."""

    def __init__(self, environment: Mapping[str, str], version: str, config: WorkerConfig) -> None:
        self._environment = {**environment, VERSION_SETTING: version}
        self._places = {
            "{os}": _SYSTEMS.get(sys.platform, "LINUX"),
            "{architecture}": _ARCHITECTURES.get(platform.machine().lower(), "X64"),
            "{workerroot}": f"{config.directory}{os.sep}",
        }

    def __call__(self, text: str) -> str:
        text = _VARIABLE.sub(lambda found: self._variable(found[1]), text)
        for place, value in self._places.items():
            at = text.lower().find(place)
            if at >= 0:
                text = f"{text[:at]}{value}{text[at + len(place) :]}"
        return text

    def _variable(self, name: str) -> str:
        return value_of(self._environment, name) or ""

    def words(self, texts: object) -> tuple[str, ...]:
        """Return what a list of arguments comes to; one entry may hold several, or none. Those
        with spaces are in quotes."""
        if not isinstance(texts, list):
            return ()
        found = (word for text in texts for word in _WORD.findall(self(str(text))))
        return tuple(_QUOTES.sub(lambda quote: '"' if quote[1] else "", word) for word in found)


def _worker_path(fill: _Filler, directory: Path, description: Mapping[str, Any]) -> str:
    given = str(description.get("defaultworkerpath") or "")
    if not given:
        return ""
    path = directory / fill(given).replace("\\", "/")
    if not path.is_file():
        versions = _versions(description)
        hint = f"set {VERSION_SETTING} to one of {', '.join(versions)}" if versions else ""
        raise WorkerStartError(
            f"the worker in {directory} is not complete: {path} does not exist",
            hint=hint or "install the worker again",
        )
    return str(path)


def _working_folder(fill: _Filler, directory: Path, description: Mapping[str, Any]) -> Path | None:
    given = fill(str(description.get("executableworkingdirectory") or ""))
    if not given:
        return None
    folder = directory / given.replace("\\", "/")
    if not folder.is_dir():
        raise WorkerStartError(
            f"the worker in {directory} cannot run in {folder}, which is no folder",
            hint=f"correct executableWorkingDirectory in its {FILE}",
        )
    return folder


def _processes(options: Mapping[str, Any]) -> int:
    if options.get("setprocesscounttonumberofcpucores") is True:
        return os.cpu_count() or 1
    count = options.get("processcount")
    return count if isinstance(count, int) and count > 0 else 1


def _seconds(options: Mapping[str, Any], name: str, default: float) -> float:
    try:
        return parse_timespan(str(options[name.lower()]))
    except (KeyError, ValueError):
        return default
