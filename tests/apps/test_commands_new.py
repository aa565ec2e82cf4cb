"""`funcemu init` and `new`: what they write runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import funcemu
from tests.support.serving import served
from tests.support.tries import TRIES, try_http

MODELS = ("v2", "v1")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("template", TRIES)
async def test_a_new_app_runs_as_it_is(tmp_path: Path, template: str, model: str) -> None:
    app = tmp_path / "demo"
    done = funcemu("init", app, "--template", template, "--model", model)
    assert done.code == 0, done.err
    assert f"Next: funcemu start {app}" in done.out
    async with served(app) as host:
        assert "warning" not in host.printed
        assert "error" not in host.printed
        name, attempt = TRIES[template]
        await attempt(host, name)


@pytest.mark.parametrize("model", MODELS)
async def test_functions_of_every_template_live_in_one_app(tmp_path: Path, model: str) -> None:
    app = tmp_path / "demo"
    assert funcemu("init", app, "--model", model).code == 0
    for template in TRIES:
        done = funcemu("new", f"my_{template}", "--template", template, cwd=app)
        assert done.code == 0, done.err
    async with served(app) as host:
        assert "warning" not in host.printed
        await try_http(host, "hello")
        for template, (_, attempt) in TRIES.items():
            await attempt(host, f"my_{template}")


def test_files_that_are_there_stay_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"} // mine', "utf-8")
    done = funcemu("init", cwd=tmp_path)
    assert done.code == 0
    assert "Kept host.json" in done.err
    assert "Wrote function_app.py" in done.out
    assert "// mine" in (tmp_path / "host.json").read_text("utf-8")
    assert funcemu("init", "--force", cwd=tmp_path).err == ""
    assert "// mine" not in (tmp_path / "host.json").read_text("utf-8")


def test_an_app_of_folders_gets_no_script(tmp_path: Path) -> None:
    funcemu("init", tmp_path, "--model", "v1")
    funcemu("init", tmp_path)
    assert not (tmp_path / "function_app.py").exists()


def test_secrets_are_kept_out_of_version_control_and_deployment(tmp_path: Path) -> None:
    funcemu("init", tmp_path, "--template", "assistant")
    for name in (".gitignore", ".funcignore"):
        ignored = (tmp_path / name).read_text("utf-8").splitlines()
        assert {"local.settings.json", ".funcemu/", ".venv/"} <= set(ignored)


def test_new_needs_an_app_and_a_name_that_is_free(tmp_path: Path) -> None:
    nowhere = funcemu("new", "x", cwd=tmp_path)
    assert nowhere.code == 1
    assert "funcemu init" in nowhere.err
    funcemu("init", tmp_path)
    taken = funcemu("new", "hello", tmp_path)
    assert taken.code == 1
    assert "function_app.py has hello already" in taken.err
    bad = funcemu("new", "a-b", tmp_path)
    assert bad.code == 1
    assert "'a-b' cannot be the name of a function." in bad.err


def test_an_unknown_template_lists_those_that_exist(tmp_path: Path) -> None:
    done = funcemu("init", tmp_path, "--template", "nope")
    assert done.code == 2
    assert "assistant" in done.err
