"""A binding package of somebody else, installed for real: an input, an output and a trigger."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.serving import FIXTURES, served, write_app

pytestmark = pytest.mark.xdist_group("foreign")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    source = FIXTURES / "binding_package"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--target", str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


async def test_an_installed_package_adds_an_input_an_output_and_a_trigger(installed: Path) -> None:
    settings = {"PYTHONPATH": str(installed)}
    async with served(FIXTURES / "apps/foreign_binding", settings=settings) as host:
        await host.until_printed("Guestbook: in memory")
        answer = await host.get("/api/visit/Ada")
        assert (answer.status, answer.text) == (200, "Welcome, Ada!")
        await host.until_printed("noticed: Ada was here")
        assert "guestbook: Ada was here" not in host.printed  # the host's own words: --verbose


async def test_without_the_package_only_its_functions_are_missing(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        {
            "function_app.py": (
                "import azure.functions as func\n"
                "app = func.FunctionApp(http_auth_level='ANONYMOUS')\n"
                "@app.route(route='plain')\n"
                "def plain(req: func.HttpRequest) -> str:\n"
                "    return 'fine'\n"
                "@app.route(route='greet')\n"
                "@app.generic_input_binding(arg_name='greeting', type='greting', person='x')\n"
                "def greet(req: func.HttpRequest, greeting: str) -> str:\n"
                "    return greeting\n"
            )
        },
    )
    async with served(app) as host:
        assert (await host.get("/api/plain")).text == "fine"
        assert (await host.get("/api/greet")).status == 404
        assert (
            "The 'greet' function is in error: The binding type(s) 'greting' are not registered. "
            "Please ensure the type is correct and the binding extension is installed."
        ) in host.printed


async def test_a_broken_package_takes_down_its_own_types_only(
    installed: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "site"
    info = broken / "broken_bindings-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-bindings\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[emulator.bindings]\nbroken = broken_bindings:Broken\nhalf = broken_bindings:Half\n"
    )
    (broken / "broken_bindings.py").write_text(
        "from emulator.sdk import Input\n"
        "class Half(Input):\n    type_name = 'half'\n    summary = 'Half done.'\n"
    )
    app = write_app(
        tmp_path / "app",
        {
            "function_app.py": (
                "import azure.functions as func\n"
                "app = func.FunctionApp(http_auth_level='ANONYMOUS')\n"
                "@app.route(route='plain')\n"
                "def plain(req: func.HttpRequest) -> str:\n"
                "    return 'fine'\n"
                "@app.route(route='one')\n"
                "@app.generic_input_binding(arg_name='x', type='broken')\n"
                "def one(req: func.HttpRequest, x: str) -> str:\n"
                "    return x\n"
                "@app.route(route='two')\n"
                "@app.generic_input_binding(arg_name='x', type='half')\n"
                "def two(req: func.HttpRequest, x: str) -> str:\n"
                "    return x\n"
            )
        },
    )
    async with served(app, settings={"PYTHONPATH": str(broken)}) as host:
        assert (await host.get("/api/plain")).text == "fine"
        assert "The binding type 'broken' of package 'broken-bindings' cannot be loaded" in (
            host.printed
        )
        await host.until_printed("broken_bindings:Half should define 'read'")
