"""The assistant in PowerShell, Java and C#: what the host and the bindings do for them.

Workers that speak as Azure's do stand in for the real ones; see `tests/support/todoworker.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands import funcemu
from tests.support.demo import TODO, parse_demo
from tests.support.rpcapps import TODO_SCRIPT, worker_folder
from tests.support.samples import csharp_output, maven_output
from tests.support.serving import FIXTURES, served


def placed(folder: Path, language: str, *, indexes: bool = False) -> Path:
    """Put the worker of a language into a folder; return that."""
    indexing = str(indexes).lower()
    return worker_folder(folder, script=TODO_SCRIPT, language=language, workerIndexing=indexing)


def powershell(folder: Path) -> tuple[Path, dict[str, str]]:
    app = Path(shutil.copytree(FIXTURES / "assistant_powershell", folder / "app"))
    worker = placed(folder / "worker", "powershell")
    return app, {"languageWorkers__powershell__workerDirectory": str(worker)}


def java(folder: Path) -> tuple[Path, dict[str, str]]:
    placed(folder / "workers" / "java", "java")
    return maven_output(folder), {"languageWorkers__workersDirectory": str(folder / "workers")}


def csharp(folder: Path) -> tuple[Path, dict[str, str]]:
    """The build of a project is itself the worker; it lists its functions."""
    app = csharp_output(folder)
    placed(app, "dotnet-isolated", indexes=True)
    return app, {}


@pytest.mark.parametrize("language", [powershell, java, csharp], ids=lambda each: each.__name__)
async def test_the_demo_works_offline(
    language: Callable[[Path], tuple[Path, dict[str, str]]], tmp_path: Path
) -> None:
    app, settings = language(tmp_path)
    demo = parse_demo((FIXTURES / "assistant_java" / "demo.http").read_text("utf-8"))
    async with served(app, settings=settings) as host:
        for request in demo:
            answer = await request.send(host)
            assert answer.status in {200, 202}, answer.text
            compact = answer.text.replace('": ', '":').replace("{\n  ", "{").replace("\n}", "}")
            assert TODO[request.title].replace('": ', '":') in compact, request.title
        chat = (await demo[-1].send(host)).json
        assert chat["recentMessages"][0]["content"] == "Be kind."
        results = [each["content"] for each in chat["recentMessages"] if each["role"] == "Tool"]
        assert "The function call succeeded." in results[0]
        key = "Task" if language is csharp else "task"
        assert f'"{key}":"call my dad"' in results[-1]


def test_dotnet_needs_no_extension_bundle(tmp_path: Path) -> None:
    app, _ = csharp(tmp_path)
    told = funcemu("check", app)
    assert "5 functions" in told.out
    assert "extension-bundle" not in told.out + told.err
