"""Where official workers are: what settings name, an app's own build, an installed Core Tools."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from emulator.config.settings import value_of
from emulator.errors import WorkerStartError
from emulator.workers.channel import RpcWorker
from emulator.workers.functionrpc.indexing import METADATA_FILE
from emulator.workers.functionrpc.workerconfig import FILE, read_config, rpc_worker
from emulator.workers.languages import TITLES, runtime_title

_EXTRA = ("grpclib", "google.protobuf")
_INSTALL_EXTRA = "pip install 'funcemu[grpc]'"
_CORE_TOOLS = (
    "npm install -g azure-functions-core-tools@4 brings the workers for Java and PowerShell"
)
_HOW: Mapping[str, str] = {
    "java": f"install the Azure Functions Core Tools ({_CORE_TOOLS}), or name the folder of the"
    " worker with languageWorkers__java__workerDirectory",
    "powershell": f"install the Azure Functions Core Tools ({_CORE_TOOLS}), or name the folder of"
    " the worker with languageWorkers__powershell__workerDirectory",
    "dotnet-isolated": "build the app (dotnet build), then start again",
    "dotnet": "move the app to the isolated model: the in-process model runs in Azure's host only",
    "custom": "run it with the Azure Functions Core Tools: custom handlers do not run here yet",
}
_PROGRAMS: Mapping[str, str] = {
    "java": "install a JDK (such as Temurin 17), or set JAVA_HOME to it",
    "dotnet": "install the .NET SDK: https://dotnet.microsoft.com/download",
    "pwsh": "install PowerShell 7: https://aka.ms/powershell",
    "node": "install Node.js: https://nodejs.org",
}


def find_rpc_worker(root: Path, language: str, environment: Mapping[str, str]) -> RpcWorker:
    """Find the official worker of a language for the app at `root`.

    In this order: the folder a setting names for this language, the folder a setting names for
    all, the app's own build output, an installed Core Tools. Raises `WorkerStartError` with the
    way to get what is missing.
    """
    directory, reason = _directory(root, language, environment)
    _check_extra(language)
    config = read_config(directory, environment)
    if config.disabled:
        raise WorkerStartError(
            f"the worker in {directory} is switched off by its {FILE} ({reason})",
            hint="take isDisabled out, or name another worker",
        )
    worker = rpc_worker(config, language, environment, reason)
    return replace(worker, executable=_executable(worker, root, environment))


def _directory(root: Path, language: str, environment: Mapping[str, str]) -> tuple[Path, str]:
    setting = f"languageWorkers__{language}__workerDirectory"
    named = value_of(environment, setting)
    if named:
        return _at(root, named), f"set by {setting}"
    setting = "languageWorkers__workersDirectory"
    named = value_of(environment, setting)
    if named and (_at(root, named) / language / FILE).is_file():
        return _at(root, named) / language, f"set by {setting}"
    if language.startswith("dotnet"):
        built = built_output(root)
        if built is not None:
            return built, "the app's build"
    else:
        for workers in core_tools(environment):
            if (workers / language / FILE).is_file():
                return workers / language, "the installed Core Tools"
    title = TITLES.get(language, language)
    raise WorkerStartError(
        f"the app is written for {title}, and no worker for it was found",
        hint=_HOW.get(
            language, f"name its folder with languageWorkers__{language}__workerDirectory"
        ),
    )


def _at(root: Path, text: str) -> Path:
    return Path(os.path.normpath(root / Path(text).expanduser()))


def built_output(root: Path) -> Path | None:
    """Return where the build of a .NET project has put the app, the newest if several.

    It is itself the worker: worker.config.json and functions.metadata lie side by side.
    """
    candidates = [
        root,
        root / "bin" / "output",
        *_folders(root / "bin", 2),
        *_folders(root / "bin", 1),
    ]
    built = [each for each in candidates if (each / FILE).is_file()]
    return max(built, key=_built_at, default=None)


def _built_at(folder: Path) -> float:
    files = (folder / METADATA_FILE, folder / FILE)
    return max((each.stat().st_mtime for each in files if each.is_file()), default=0.0)


def _folders(folder: Path, depth: int) -> list[Path]:
    return [each for each in folder.glob("/".join("*" * depth)) if each.is_dir()]


def core_tools(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders with workers of the Core Tools, wherever an installer has put them."""
    func = shutil.which("func", path=value_of(environment, "PATH"))
    if func is not None:
        yield from _beside(Path(func).resolve())
    home = Path(value_of(environment, "HOME") or Path.home())
    folders = [
        Path("/usr/lib/azure-functions-core-tools-4"),
        Path("/usr/lib/azure-functions-core-tools"),
        Path("/opt/homebrew/opt/azure-functions-core-tools@4"),
        Path("/usr/local/opt/azure-functions-core-tools@4"),
        Path("/usr/local/lib/node_modules/azure-functions-core-tools/bin"),
        Path("/usr/lib/node_modules/azure-functions-core-tools/bin"),
        *sorted(home.glob(".azure-functions-core-tools/*"), reverse=True),
    ]
    for name, below in (
        ("APPDATA", "npm/node_modules/azure-functions-core-tools/bin"),
        ("ProgramFiles", "Microsoft/Azure Functions Core Tools"),
        ("ChocolateyInstall", "lib/azure-functions-core-tools/tools"),
        ("LOCALAPPDATA", "AzureFunctionsTools/Releases"),
    ):
        base = value_of(environment, name)
        if base:
            folders.append(Path(base) / below)
    for folder in folders:
        yield from _workers_in(folder)


def _beside(func: Path) -> Iterator[Path]:
    """Look around the program: npm's is a script two folders away from the real one."""
    for folder in (func.parent, func.parent.parent):
        yield from _workers_in(folder)
        yield from _workers_in(folder / "bin")
        yield from _workers_in(folder / "node_modules" / "azure-functions-core-tools" / "bin")
        yield from _workers_in(folder / "lib/node_modules/azure-functions-core-tools/bin")


def _workers_in(folder: Path) -> Iterator[Path]:
    for place in (folder / "workers", folder / "cli_x64" / "workers"):
        if place.is_dir():
            yield place
    if folder.name == "Releases":
        yield from sorted(folder.glob("*/cli_x64/workers"), reverse=True)


def _executable(worker: RpcWorker, root: Path, environment: Mapping[str, str]) -> str:
    """Return the program that runs the worker; raise with the way to get it if it is missing."""
    given = worker.executable
    name = Path(given.replace("\\", "/")).name.removesuffix(".exe")
    if name == "java" and not value_of(
        environment, f"languageWorkers__{worker.language}__defaultExecutablePath"
    ):
        home = value_of(environment, "JAVA_HOME")
        found = None if not home else shutil.which("java", path=str(Path(home) / "bin"))
        given = found or "java"
    path = Path(given)
    if len(path.parts) > 1:
        for candidate in (path, worker.directory / path, root / path):
            if candidate.is_absolute() and os.access(candidate, os.X_OK):
                return str(candidate)
    elif given and (found := shutil.which(given, path=value_of(environment, "PATH"))):
        return found
    elif given and os.access(worker.directory / given, os.X_OK):
        return str(worker.directory / given)
    title = runtime_title(worker.language)
    raise WorkerStartError(
        f"there is no program {given or '(none named)'}, which the worker for {title} needs"
        f" ({worker.reason})",
        hint=_PROGRAMS.get(
            name, f"name it with languageWorkers__{worker.language}__defaultExecutablePath"
        ),
    )


def _check_extra(language: str) -> None:
    if not all(_is_there(name) for name in _EXTRA):
        raise WorkerStartError(
            f"the app is written for {TITLES.get(language, language)}, and its worker speaks gRPC,"
            " which funcemu is installed without",
            hint=_INSTALL_EXTRA,
        )


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False
