"""Where apps find themselves in a process of their own, and what they can import there."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path

import pytest

from emulator.workers.channel import AppSpec, Interpreter
from emulator.workers.subprocess import SubprocessChannel
from tests.support.workers import decorated, environment, serving

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "subprocess"


async def test_the_app_runs_in_its_folder_with_its_settings(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        """
        import json, os, sys

        @app.route()
        def f(req) -> str:
            names = ["MINE", "FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsScriptRoot",
                     "FUNCTIONS_APPLICATION_DIRECTORY", "AZURE_FUNCTIONS_ENVIRONMENT",
                     "FUNCTIONS_WORKER_RUNTIME_VERSION"]
            ours = [m for m in sys.modules if m.split(".")[0] in ("emulator", "wire", "bindings")]
            try:
                asked = input()
            except EOFError:
                asked = "no stdin"
            return json.dumps([os.getcwd(), [os.environ[n] for n in names], sys.path[-1], ours,
                               asked, os.getpgrp() == os.getpid()])
        """,
    )
    async with serving(KIND, root, {"MINE": "é"}) as worker:
        place = str(root)
        version = "{}.{}".format(*sys.version_info[:2])
        assert json.loads(await worker.text("f")) == [
            place,
            ["é", "python", place, place, "Development", version],
            place,
            [],
            "no stdin",
            True,
        ]


async def test_no_module_of_ours_is_in_the_way_of_the_apps(tmp_path: Path) -> None:
    root = decorated(
        tmp_path,
        "import index, wire, logs, main\n@app.route()\ndef f(req):\n    return wire.WHO\n",
        **{f"{name}.py": "WHO = 'app'\n" for name in ("index", "wire", "logs", "main")},
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "app"


async def test_a_module_of_the_app_s_does_not_hide_the_sdk(tmp_path: Path) -> None:
    root = decorated(
        tmp_path, "@app.route()\ndef f(req): return 'fine'\n", **{"azure/__init__.py": ""}
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "fine"


async def test_an_sdk_in_the_folder_of_the_app_is_found(tmp_path: Path) -> None:
    root = decorated(tmp_path, "@app.route()\ndef f(req): return ''\n")
    for name in ("azure", "werkzeug", "markupsafe"):
        (root / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    bare = Interpreter(Path(getattr(sys, "_base_executable", sys.executable)), "the tests'")
    channel = SubprocessChannel.spawn(AppSpec(root, environment()), bare, lambda log: None)
    try:
        await channel.start()
        assert [each.name for each in (await channel.index()).functions or ()] == ["f"]
    finally:
        await channel.aclose(1)


async def test_installed_packages_win_over_the_app_and_deployed_ones_lie_between(
    tmp_path: Path,
) -> None:
    root = decorated(
        tmp_path,
        """
        import sys, json, msgspec, both

        @app.route()
        def f(req):
            return json.dumps([hasattr(msgspec, "OURS"), both.WHO, sys.path[-2:]])
        """,
        **{
            "msgspec.py": "OURS = 1\n",
            "both.py": "WHO = 'app'\n",
            ".python_packages/lib/site-packages/both.py": "WHO = 'package'\n",
        },
    )
    async with serving(KIND, root) as worker:
        packages = str(root / ".python_packages/lib/site-packages")
        assert json.loads(await worker.text("f")) == [False, "package", [packages, str(root)]]
