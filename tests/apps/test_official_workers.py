"""Apps in languages that official workers run: how they are found, loaded and called, over HTTP.

The worker of these tests stands for each of them and tells what it was asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.rpcapps import PYTHON_WORKER, like, worker_folder
from tests.support.serving import served, write_app

HTTP = [
    {
        "type": "httpTrigger",
        "direction": "in",
        "name": "req",
        "authLevel": "anonymous",
        "route": "hello/{who}",
    },
    {"type": "http", "direction": "out", "name": "$return"},
]
JAVA = {"scriptFile": "../shop.jar", "entryPoint": "com.shop.Hello.run", "bindings": HTTP}
APPS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "java": (
        {"hello/function.json": json.dumps(JAVA), "shop.jar": "PK"},
        {
            "script": "shop.jar",
            "entry": "com.shop.Hello.run",
            "directory": "hello",
            "fetches": False,
        },
    ),
    "powershell": (
        {
            "host.json": json.dumps({"version": "2.0", "managedDependency": {"enabled": True}}),
            "hello/function.json": json.dumps({"bindings": HTTP}),
            "hello/run.ps1": "param($req)",
            "profile.ps1": "",
            "requirements.psd1": "@{}",
        },
        {"script": "hello/run.ps1", "entry": "", "directory": "hello", "fetches": True},
    ),
}


@pytest.mark.parametrize("language", APPS)
async def test_an_app_with_folders_is_run_by_the_worker_of_its_language(
    language: str, tmp_path: Path
) -> None:
    files, told = APPS[language]
    app = write_app(tmp_path / "app", files)
    folder = worker_folder(tmp_path / "workers" / language, language=language, workerIndexing="")
    settings = {
        **like("echo", "dies of functions_metadata_request", capabilities={}),
        "languageWorkers__workersDirectory": str(folder.parent),
    }
    async with served(app, settings=settings) as host:
        await host.until_printed(str(folder))
        answer = await host.post("/api/hello/you?size=2", data=b'{"note": "x"}')
        said = answer.json
    assert said["script"] == str(app / told["script"])
    assert (said["entry"], said["directory"]) == (told["entry"], str(app / told["directory"]))
    assert (said["language"], said["runtime"]) == (language, language)
    assert said["fetches"] is told["fetches"]
    assert said["inputs"] == {"req": "http"}
    assert said["metadata"] == {
        "Query": '{"size": "2"}',
        "note": "x",
        "size": "2",
        "who": "you",
    }


async def test_a_built_net_project_is_its_own_worker(tmp_path: Path) -> None:
    """Found below the project by the build's worker.config.json, and run in the build's folder."""
    app = write_app(tmp_path / "app", {"Shop.csproj": "<Project/>", "Hello.cs": "class Hello {}"})
    old = worker_folder(app / "bin" / "Debug" / "net6.0", language="dotnet-isolated")
    (old / "functions.metadata").write_text("[]", "utf-8")
    built = worker_folder(
        app / "bin" / "Debug" / "net8.0", language="dotnet-isolated", workerIndexing="false"
    )
    entry = {"name": "hello", "scriptFile": "Shop.dll", "entryPoint": "Shop.Hello.Run"}
    bindings = [{**each, "direction": each["direction"].title()} for each in HTTP]
    text = json.dumps([{**entry, "language": "dotnet-isolated", "bindings": bindings}])
    (built / "functions.metadata").write_text(text, "utf-8")
    async with served(app, settings=like("echo", capabilities=PYTHON_WORKER)) as host:
        await host.until_printed(str(built))
        said = (await host.get("/api/hello/you")).json
    assert said["script"] == str(built / "Shop.dll")
    assert said["entry"] == "Shop.Hello.Run"
    assert said["folders"] == [str(built), str(built)]


async def test_an_app_without_a_worker_for_it_says_how_to_get_one(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", APPS["java"][0])
    settings = {"PATH": "/nowhere", "HOME": str(tmp_path), "FUNCTIONS_WORKER_RUNTIME": "java"}
    with pytest.raises(AssertionError, match="no worker for it was found") as told:
        async with served(app, settings=settings):
            pass
    assert "languageWorkers__java__workerDirectory" in str(told.value)


async def test_no_port_is_opened_for_debuggers_where_nobody_would_answer(tmp_path: Path) -> None:
    code = (
        "import azure.functions as func\n\napp = func.FunctionApp(http_auth_level='ANONYMOUS')\n\n"
        "@app.route()\ndef f(req):\n    return 'here'\n"
    )
    app = write_app(tmp_path / "app", {"function_app.py": code})
    settings = {
        **like(capabilities=PYTHON_WORKER),
        "languageWorkers__python__workerDirectory": str(worker_folder(tmp_path / "python")),
    }
    async with served(app, "--debug", str(free_port()), settings=settings) as host:
        assert (await host.get("/api/f")).text == "here"
        await host.until_printed("--debug does nothing for the official worker for Python")
        assert "set languageWorkers__python__arguments to -m debugpy" in host.printed
        assert "Debuggers attach" not in host.printed


async def test_bodies_stream_to_and_from_the_worker_s_own_server(tmp_path: Path) -> None:
    code = (
        "import azure.functions as func\n\napp = func.FunctionApp(http_auth_level='ANONYMOUS')\n\n"
        "@app.route(route='up/{name}')\ndef up(req):\n    pass\n"
    )
    app = write_app(tmp_path / "app", {"function_app.py": code})
    folder = worker_folder(tmp_path / "python")
    settings = {
        **like("http", capabilities=PYTHON_WORKER),
        "languageWorkers__python__workerDirectory": str(folder),
    }

    async def body() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield bytes(1 << 20)

    async with served(app, settings=settings) as host:
        answer = await host.post("/api/up/x?y=1", data=body())
        assert (answer.status, answer.headers["x-length"]) == (201, str(50 << 20))
        assert answer.headers["x-host"] == host.url.removeprefix("http://")
        assert answer.text == "/api/up/x?y=1 0;/api/up/x?y=1 1;/api/up/x?y=1 2;"
        answer = await host.get("/api/up/fail")  # it had answered when it failed
        assert answer.text == "/api/up/fail 0;/api/up/fail 1;/api/up/fail 2;"
        await host.until_printed("ValueError: after all")


async def test_what_each_worker_says_at_its_start_is_told_once(tmp_path: Path) -> None:
    code = (
        "import os\nimport azure.functions as func\n\n"
        "app = func.FunctionApp(http_auth_level='ANONYMOUS')\n\n"
        "@app.route()\ndef pid(req):\n    return str(os.getpid())\n"
    )
    app = write_app(tmp_path / "app", {"function_app.py": code})
    settings = {
        **like("is too old", capabilities=PYTHON_WORKER),
        "languageWorkers__python__workerDirectory": str(worker_folder(tmp_path / "python")),
        "FUNCTIONS_WORKER_PROCESS_COUNT": "2",
    }
    async with served(app, settings=settings) as host:
        seen = set()
        async with asyncio.timeout(PATIENCE):
            while len(seen) < 2:
                seen.add((await host.get("/api/pid")).text)
        assert host.printed.count("Error: Python reached EOL.") == 1
