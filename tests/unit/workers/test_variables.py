"""Settings of apps in this process: who sees which, and what is left of them."""

from __future__ import annotations

import asyncio
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from emulator.workers.channel import AppSpec
from emulator.workers.inprocess import InProcessChannel
from emulator.workers.variables import process_environment
from tests.support.workers import Worker, decorated, environment, request, serving

CODE = """
import os
from os import environ
AT_IMPORT = os.environ["WHOSE"]

@app.route()
def told(req):
    return f"{AT_IMPORT} {os.environ['WHOSE']} {environ.get('WHOSE')} {os.getenv('WHOSE')}"

@app.route()
async def told_by_a_coroutine(req):
    return os.environ["WHOSE"]

@app.route()
def changed(req):
    os.environ["WHOSE"] = os.environ["WHOSE"] * 2
    os.environ["NEW"] = "of an app"
    return os.environ["WHOSE"] + os.environ["NEW"]

@app.route()
def deleted(req):
    del os.environ["WHOSE"]
    return f"{'WHOSE' in os.environ} {'WHOSE' in dict(os.environ)}"

@app.route()
def seen(req):
    return os.environ.get(req.params["name"], "nothing")
"""


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    def state() -> dict[str, str]:
        return {name: each for name, each in os.environ.items() if name != "PYTEST_CURRENT_TEST"}

    before, data = state(), os.environ._data  # type: ignore[attr-defined]  # what is replaced
    yield
    assert state() == before
    assert os.environ._data is data  # type: ignore[attr-defined]


def two_apps(folder: Path) -> list[Path]:
    return [decorated(folder / who, CODE) for who in "ab"]


async def seen(worker: Worker, name: str) -> str:
    return await worker.text("seen", req=request(query={"name": name}))


async def test_two_apps_at_once_see_their_own_settings(tmp_path: Path) -> None:
    a, b = two_apps(tmp_path)
    async with serving("inprocess", a, {"WHOSE": "a"}) as first:
        async with serving("inprocess", b, {"WHOSE": "b"}) as second:
            for worker, who in ((first, "a"), (second, "b"), (first, "a")):
                assert await worker.text("told") == f"{who} {who} {who} {who}"
                assert await worker.text("told_by_a_coroutine") == who
            answers = await asyncio.gather(
                *(worker.text("told") for _ in range(5) for worker in (first, second))
            )
            assert answers == ["a a a a", "b b b b"] * 5


async def test_a_setting_only_one_of_them_has_is_not_seen_by_the_other(tmp_path: Path) -> None:
    a, b = two_apps(tmp_path)
    async with serving("inprocess", b, {"WHOSE": "b"}) as second:
        async with serving("inprocess", a, {"WHOSE": "a", "ONLY": "a"}) as first:
            assert [await seen(each, "ONLY") for each in (first, second)] == ["a", "nothing"]


async def test_what_an_app_changes_is_gone_with_it(tmp_path: Path) -> None:
    a, b = two_apps(tmp_path)
    async with serving("inprocess", a, {"WHOSE": "a"}) as first:
        async with serving("inprocess", b, {"WHOSE": "b"}) as second:
            assert await first.text("changed") == "aaof an app"
            assert await first.text("told") == "a aa aa aa"
            assert await second.text("deleted") == "False False"
            assert await seen(second, "NEW") == "nothing"
            assert await first.text("told") == "a aa aa aa"
    assert "NEW" not in os.environ


async def test_other_code_sees_the_settings_of_the_newest(tmp_path: Path) -> None:
    first, second = (
        InProcessChannel(AppSpec(root, environment({"WHOSE": who})), lambda log: None)
        for root, who in zip(two_apps(tmp_path), "ab", strict=True)
    )
    assert "WHOSE" not in os.environ
    await first.start()
    assert os.environ["WHOSE"] == "a"
    await second.start()
    assert os.environ["WHOSE"] == "b"
    assert "WHOSE" not in process_environment()
    await first.aclose()
    assert os.environ["WHOSE"] == "b"
    await second.aclose()
    await second.aclose()
    assert "WHOSE" not in os.environ


async def test_a_test_may_set_variables_while_an_app_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFORE", "set")
    root = two_apps(tmp_path)[0]
    async with serving("inprocess", root, {"WHOSE": "a"}) as worker:
        with monkeypatch.context() as patch:
            patch.setenv("WHOSE", "patched")
            patch.setenv("MORE", "patched")
            patch.delenv("BEFORE")
            assert await worker.text("told_by_a_coroutine") == "patched"
            assert await seen(worker, "MORE") == "patched"
            assert await seen(worker, "BEFORE") == "nothing"
        assert await worker.text("told_by_a_coroutine") == "a"
        with mock.patch.dict(os.environ, {"WHOSE": "patched"}, clear=True):
            assert list(os.environ) == ["WHOSE"]
            assert await worker.text("told_by_a_coroutine") == "patched"
        assert await worker.text("told_by_a_coroutine") == "a"
        assert await seen(worker, "BEFORE") == "set"


@pytest.mark.skipif(os.name != "posix", reason="asks the C library")
async def test_children_and_c_code_see_the_settings_until_the_end(tmp_path: Path) -> None:
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    root = two_apps(tmp_path)[0]
    async with serving("inprocess", root, {"WHOSE": "a"}):
        assert getenv(b"WHOSE") == b"a"
        assert os.environb[b"WHOSE"] == b"a"
        show = [sys.executable, "-c", "import os; print(os.environ['WHOSE'])"]
        assert subprocess.check_output(show, text=True).strip() == "a"  # noqa: ASYNC221 - quick
    assert getenv(b"WHOSE") is None
