"""Spare processes of Node.js, which have loaded the packages of an app."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from emulator.workers.channel import AppSpec, WorkerLog
from emulator.workers.standby import Standby
from tests.support import node
from tests.support.node import interpreter, with_packages
from tests.support.workers import environment, started, write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "node"


async def test_a_spare_has_loaded_packages_and_nothing_of_the_app(tmp_path: Path) -> None:
    packages = {
        "node_modules/cjs/index.js": "console.log('cjs');\nexports.word = 'one';\n",
        "node_modules/esm/package.json": '{"type": "module", "exports": "./index.js"}',
        "node_modules/esm/index.js": "console.log('esm');\nexport const word = 'two';\n",
        "package.json": '{"main": "main.mjs"}',
        "main.mjs": "import './part.mjs';\nconsole.log('app');\n",
        "part.mjs": "import { word } from 'esm';\nimport cjs from 'cjs';\n"
        "console.log(word, cjs.word);\n",
    }
    node.require()
    root = write(tmp_path, packages)
    logs: list[WorkerLog] = []
    spec, found = AppSpec(root, environment()), interpreter(root)
    standby = Standby(logs.append)
    first = standby.take(spec, found)
    await first.start()
    assert (await first.index()).error is None
    names = await first.modules()
    assert [Path(name).name if name.startswith("/") else name for name in names] == [
        "index.js",
        "import:esm",
        "import:cjs",
    ]
    standby.prepare(spec, found, names)
    await first.aclose()
    assert [each.message for each in logs] == ["esm", "cjs", "two one", "app"]
    logs.clear()
    (root / "part.mjs").write_text("import { word } from 'esm';\nconsole.log('new', word);\n")
    second = standby.take(spec, found)
    try:
        await second.start()
        assert (await second.index()).error is None
        assert sorted(each.message for each in logs) == ["app", "cjs", "esm", "new two"]
    finally:
        await second.aclose()
        await standby.aclose()


async def test_a_package_that_changed_is_not_served_from_a_spare(tmp_path: Path) -> None:
    node.require()
    package = tmp_path / "node_modules/package/index.js"
    code = "console.log(require('package'));\n"
    root = write(tmp_path, {"package.json": '{"main": "main.js"}', "main.js": code})
    write(root, {"node_modules/package/index.js": "module.exports = 'one';\n"})
    logs: list[WorkerLog] = []
    spec, found = AppSpec(root, environment()), interpreter(root)
    standby = Standby(logs.append)
    first = standby.take(spec, found)
    await first.start()
    await first.index()
    standby.prepare(spec, found, await first.modules())
    await first.aclose()
    package.write_text("module.exports = 'two';\n")
    second = standby.take(spec, found)
    try:
        await second.start()
        await second.index()
        assert [each.message for each in logs] == ["one", "two"]
    finally:
        await second.aclose()
        await standby.aclose()


async def test_packages_can_be_linked(tmp_path: Path) -> None:
    """A package of the user's own, linked from beside the app, is never loaded ahead."""
    write(tmp_path / "shared", {"index.js": "module.exports = 1;\n"})
    root = with_packages(tmp_path / "app")
    (root / "node_modules").unlink()
    write(root, {"package.json": '{"main": "a.js"}', "a.js": "require('shared');\n"})
    (root / "node_modules").mkdir()
    (root / "node_modules/shared").symlink_to(tmp_path / "shared")
    async with started(KIND, root) as worker:
        assert (await worker.channel.index()).error is None
        channel: Any = worker.channel
        assert await channel.modules() == []
