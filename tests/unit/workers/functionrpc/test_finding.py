"""Where official workers are looked for, and how they are started."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import WorkerStartError
from emulator.workers.channel import RpcWorker
from emulator.workers.functionrpc.finding import core_tools, find_rpc_worker
from emulator.workers.functionrpc.launch import app_folder, command_line

DESCRIPTION: Mapping[str, Any] = {
    "language": "java",
    "extensions": [".jar"],
    "defaultExecutablePath": sys.executable,
    "defaultWorkerPath": "worker.jar",
}


def placed(folder: Path, files: tuple[str, ...] = ("worker.jar",), **changes: Any) -> Path:
    more = {key: changes.pop(key) for key in ("profiles", "processOptions") if key in changes}
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"description": {**DESCRIPTION, **changes}, **more})
    (folder / "worker.config.json").write_text(text, "utf-8")
    return folder


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(0o755)
    return path


def named(folder: Path, language: str = "java", **settings: str) -> dict[str, str]:
    return {f"languageWorkers__{language}__workerDirectory": str(folder), **settings}


def find(root: Path, environment: Mapping[str, str], language: str = "java") -> RpcWorker:
    return find_rpc_worker(root, language, environment)


# Where


def test_the_folder_a_setting_names_counts_before_all(tmp_path: Path) -> None:
    folder = placed(tmp_path / "mine")
    placed(tmp_path / "all" / "java")
    both = {**named(folder), "LANGUAGEWORKERS__WORKERSDIRECTORY": "all"}
    worker = find(tmp_path, both)
    assert worker.directory == folder
    assert worker.reason == "set by languageWorkers__java__workerDirectory"
    worker = find(tmp_path, {"languageWorkers__workersDirectory": "all"})
    assert worker.directory == tmp_path / "all" / "java"
    assert worker.worker_path == str(tmp_path / "all" / "java" / "worker.jar")


def test_the_core_tools_are_found_by_their_program_and_where_installers_put_them(
    tmp_path: Path,
) -> None:
    modules = tmp_path / "lib" / "node_modules" / "azure-functions-core-tools"
    real = program(modules / "lib" / "main.js")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "func").symlink_to(real)
    folder = placed(modules / "bin" / "workers" / "java")
    worker = find(tmp_path, {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert (worker.directory, worker.reason) == (folder, "the installed Core Tools")
    old, new = (tmp_path / ".azure-functions-core-tools" / each for each in ("4.0.1", "4.9.0"))
    placed(old / "workers" / "java")
    newest = placed(new / "workers" / "java")
    assert find(tmp_path, {"PATH": "", "HOME": str(tmp_path)}).directory == newest
    release = placed(tmp_path / "AzureFunctionsTools/Releases/4.1/cli_x64/workers/java").parent
    assert release in list(core_tools({"PATH": "", "LOCALAPPDATA": str(tmp_path)}))


def test_the_newest_build_of_a_net_project_counts(tmp_path: Path) -> None:
    debug = placed(tmp_path / "bin" / "Debug" / "net8.0", language="dotnet-isolated")
    release = placed(tmp_path / "bin" / "Release" / "net8.0", language="dotnet-isolated")
    for folder, at in ((debug, 2000), (release, 1000)):
        (folder / "functions.metadata").touch()
        for name in ("functions.metadata", "worker.config.json"):
            os.utime(folder / name, (at, at))
    worker = find(tmp_path, {}, "dotnet-isolated")
    assert (worker.directory, worker.reason) == (debug, "the app's build")
    assert app_folder(tmp_path, worker) == debug
    assert find(debug, {}, "dotnet-isolated").directory == debug
    with pytest.raises(WorkerStartError, match=r"\.NET isolated") as raised:
        find(tmp_path / "bin", {}, "dotnet-isolated")
    assert raised.value.hint == "build the app (dotnet build), then start again"


def test_without_any_worker_the_way_to_one_is_told(tmp_path: Path) -> None:
    nowhere = {"PATH": "", "HOME": str(tmp_path)}
    with pytest.raises(WorkerStartError, match="written for Java, and no worker") as raised:
        find(tmp_path, nowhere)
    assert "npm install -g azure-functions-core-tools@4" in str(raised.value.hint)
    with pytest.raises(WorkerStartError, match="custom handler"):
        find(tmp_path, nowhere, "custom")
    with pytest.raises(WorkerStartError, match="no worker.config.json in"):
        find(tmp_path, named(tmp_path))


def test_without_the_extra_its_installation_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = placed(tmp_path / "w")
    monkeypatch.setitem(sys.modules, "grpclib", None)
    with pytest.raises(WorkerStartError, match="its worker speaks gRPC") as raised:
        find(tmp_path, named(folder))
    assert raised.value.hint == "pip install 'funcemu[grpc]'"


# How


def test_placeholders_are_filled_and_lists_of_arguments_taken_apart(tmp_path: Path) -> None:
    system = {"linux": "LINUX", "darwin": "OSX", "win32": "WINDOWS"}[sys.platform]
    folder = placed(
        tmp_path / "w",
        (f"3.12/{system}/worker.py",),
        defaultWorkerPath="%FUNCTIONS_WORKER_RUNTIME_VERSION%/{os}/worker.py",
        defaultRuntimeVersion="3.11",
        arguments=["-Xa -Xb", "%JAVA_OPTS%", "%NOTHING%"],
        workerArguments=["--one"],
        workerIndexing="true",
    )
    settings = named(
        folder,
        JAVA_OPTS='-Dx=1  -Dy="2 3" "-Dz=\\"a\\" b"',
        SUSPEND="n",
        FUNCTIONS_WORKER_RUNTIME_VERSION="3.12",
        languageWorkers__java__arguments="-agentlib:jdwp=transport=dt_socket,suspend=%SUSPEND%",
    )
    worker = find(tmp_path, settings)
    assert worker.worker_path == str(folder / "3.12" / system / "worker.py")
    assert worker.arguments == (
        "-Xa", "-Xb", "-Dx=1", "-Dy=2 3", '-Dz="a" b',
        "-agentlib:jdwp=transport=dt_socket,suspend=n",
    )  # fmt: skip
    assert (worker.worker_arguments, worker.indexes) == (("--one",), True)
    assert worker.runtime_version == "3.12"


def test_a_worker_that_lacks_its_file_says_which_versions_it_has(tmp_path: Path) -> None:
    folder = placed(
        tmp_path / "w",
        defaultWorkerPath="%FUNCTIONS_WORKER_RUNTIME_VERSION%/x.dll",
        defaultRuntimeVersion="7.9",
        supportedRuntimeVersions=["7.2", "7.4"],
    )
    with pytest.raises(WorkerStartError, match=r"7\.9.x\.dll does not exist") as raised:
        find(tmp_path, named(folder))
    assert raised.value.hint == "set FUNCTIONS_WORKER_RUNTIME_VERSION to one of 7.2, 7.4"


@pytest.mark.parametrize("given", ["7.4", "~7.4", "7.4.6", "PowerShell 7.4"])
def test_of_a_version_counts_what_the_worker_has_folders_for(given: str, tmp_path: Path) -> None:
    folder = placed(
        tmp_path / "w",
        ("7.4/x.dll",),
        defaultWorkerPath="%FUNCTIONS_WORKER_RUNTIME_VERSION%/x.dll",
        sanitizeRuntimeVersionRegex=r"\d+\.?\d*",
    )
    worker = find(tmp_path, named(folder, FUNCTIONS_WORKER_RUNTIME_VERSION=given))
    assert worker.worker_path == str(folder / "7.4" / "x.dll")
    assert worker.runtime_version == "7.4"


def test_a_version_that_is_none_is_told(tmp_path: Path) -> None:
    folder = placed(
        tmp_path / "w",
        sanitizeRuntimeVersionRegex=r"\d+\.?\d*",
        supportedRuntimeVersions=["7.2", "7.4"],
    )
    with pytest.raises(WorkerStartError, match="is 'latest', which is no version of") as raised:
        find(tmp_path, named(folder, FUNCTIONS_WORKER_RUNTIME_VERSION="latest"))
    assert raised.value.hint == "name a version such as 7.4"


def test_profiles_apply_where_all_their_conditions_are_met(tmp_path: Path) -> None:
    def profile(value: str, *conditions: tuple[str, str, str]) -> dict[str, Any]:
        names = ("conditionType", "conditionName", "conditionExpression")
        listed = [dict(zip(names, each, strict=True)) for each in conditions]
        return {"conditions": listed, "description": {"arguments": [value]}}

    folder = placed(
        tmp_path / "w",
        profiles=[
            profile("--no", ("environment", "MODE", "x.+")),
            profile("--azure", ("hostProperty", "Sku", ".*")),
            profile("--broken", ("environment", "MODE", "(")),
            profile("--empty", ("environment", "MODE", "x"), ("environment", "OTHER", ".*")),
            profile("--yes", ("environment", "MODE", "x$"), ("environment", "MODE", "a")),
        ],
    )
    assert find(tmp_path, named(folder, MODE="ax", OTHER="")).arguments == ("--yes",)


def test_timeouts_are_the_worker_s_own(tmp_path: Path) -> None:
    options = {"processStartupTimeout": "00:02:00", "initializationTimeout": "soon"}
    worker = find(tmp_path, named(placed(tmp_path / "w", processOptions=options)))
    assert worker.startup_timeout == 120
    assert (worker.initialization_timeout, worker.shutdown_timeout) == (10, 10)


def test_a_worker_may_run_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = placed(tmp_path / "w", executableWorkingDirectory="{WorkerRoot}inside")
    with pytest.raises(WorkerStartError, match="cannot run in .*inside, which is no folder"):
        find(tmp_path, named(folder))
    (folder / "inside").mkdir()
    assert find(tmp_path, named(folder)).folder == folder / "inside"
    assert find(tmp_path, named(placed(tmp_path / "other"))).folder is None


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 1),
        ({"processCount": 3}, 3),
        ({"processCount": 0}, 1),
        ({"processCount": "many"}, 1),
        ({"processCount": 3, "setProcessCountToNumberOfCpuCores": True}, os.cpu_count()),
    ],
)
def test_a_worker_says_how_many_of_it_there_are(
    options: dict[str, Any], count: int, tmp_path: Path
) -> None:
    worker = find(tmp_path, named(placed(tmp_path / "w", processOptions=options)))
    assert worker.processes == count


def test_java_is_that_of_java_home(tmp_path: Path) -> None:
    folder = placed(tmp_path / "w", defaultExecutablePath="java")
    home = program(tmp_path / "jdk" / "bin" / "java")
    on_path = program(tmp_path / "bin" / "java")
    path = str(on_path.parent)
    settings = named(folder, PATH=path, JAVA_HOME=str(tmp_path / "jdk"))
    assert find(tmp_path, settings).executable == str(home)
    assert find(tmp_path, named(folder, PATH=path)).executable == str(on_path)
    given = {"languageWorkers__java__defaultExecutablePath": sys.executable}
    assert find(tmp_path, {**settings, **given}).executable == sys.executable


@pytest.mark.parametrize(
    ("name", "hint"),
    [("java", "install a JDK"), ("dotnet", "dotnet.microsoft.com"), ("pwsh", "aka.ms/powershell")],
)
def test_a_missing_program_is_named_with_the_way_to_get_it(
    name: str, hint: str, tmp_path: Path
) -> None:
    folder = placed(tmp_path / "w", defaultExecutablePath=name)
    with pytest.raises(WorkerStartError, match=f"no program {name}") as raised:
        find(tmp_path, named(folder, PATH=str(tmp_path)))
    assert hint in str(raised.value.hint)


def test_an_app_that_is_a_program_itself_is_found_in_its_folder(tmp_path: Path) -> None:
    folder = placed(
        tmp_path / "w",
        language="dotnet-isolated",
        defaultExecutablePath="{WorkerRoot}Shop",
        defaultWorkerPath="",
    )
    shop = program(folder / "Shop")
    worker = find(tmp_path, named(folder, "dotnet-isolated"), "dotnet-isolated")
    assert (worker.executable, worker.worker_path) == (str(shop), "")


def test_a_worker_serves_the_language_it_is_named_for(tmp_path: Path) -> None:
    folder = placed(tmp_path / "w", language="Kotlin")
    worker = find(tmp_path, named(folder, languageWorkers__java__arguments="-Xmx1g"))
    assert (worker.language, worker.arguments) == ("java", ("-Xmx1g",))


def test_a_disabled_worker_is_told(tmp_path: Path) -> None:
    folder = placed(tmp_path / "w", isDisabled=True)
    with pytest.raises(WorkerStartError, match="switched off"):
        find(tmp_path, named(folder))


def test_both_spellings_of_the_arguments_are_given(tmp_path: Path) -> None:
    worker = find(tmp_path, named(placed(tmp_path / "w", workerArguments=["-z"])))
    command = command_line(worker, 5000, worker_id="w1", request_id="r1")
    jar = str(tmp_path / "w" / "worker.jar")
    assert command == [
        sys.executable, jar, "-z",
        "--host", "127.0.0.1", "--port", "5000", "--workerId", "w1", "--requestId", "r1",
        "--grpcMaxMessageLength", "2147483647",
        "--functions-uri", "http://127.0.0.1:5000/", "--functions-worker-id", "w1",
        "--functions-request-id", "r1", "--functions-grpc-max-message-length", "2147483647",
    ]  # fmt: skip
