"""How Node.js is started, and what is told when it cannot be."""

from __future__ import annotations

import json
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from emulator.errors import WorkerStartError
from emulator.workers import loading, process
from emulator.workers.channel import AppSpec, Interpreter
from emulator.workers.subprocess import SubprocessChannel
from tests.support import node
from tests.support.node import interpreter, javascript
from tests.support.processes import until
from tests.support.workers import environment, serving, started

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "node"


async def test_standard_input_is_empty_and_nothing_of_ours_is_in_the_way(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const fs = require('fs');
        const { spawnSync } = require('child_process');
        http('f', () => {
          const child = spawnSync('/bin/sh', ['-c', 'ls /proc/self/fd'], { stdio: 'inherit' });
          return { jsonBody: [fs.readFileSync(0, 'utf8'), process.argv.length, child.status,
            process.execArgv, require('./wire').who] };
        });
        """,
        {"wire.js": "exports.who = 'app';\n"},
    )
    async with AsyncExitStack() as stack:
        for _ in range(40):  # Node.js looks after low descriptors by itself
            stack.enter_context(open(os.devnull))
        worker = await stack.enter_async_context(serving(KIND, root))
        assert json.loads(await worker.text("f")) == ["", 2, 0, [], "app"]
        await until(lambda: "2" in worker.said())
        # A child has what it was given, the folder that `ls` reads, and nothing of ours.
        assert [line for line in worker.said() if line.isdigit()] == ["0", "1", "2", "3"]


async def test_a_load_that_takes_long_is_told_while_it_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "LONG_LOAD", 0.05)
    root = javascript(tmp_path, "while (!require('fs').existsSync('go'));\nhttp('f', () => ({}));")
    async with started(KIND, root) as worker:
        told = "The app is still being loaded after 0.05 s: it is at index.js"
        await until(lambda: told in worker.said())
        (root / "go").touch()
        assert (await worker.channel.index()).functions


async def start_error(root: Path, found: Interpreter) -> WorkerStartError:
    with pytest.raises(WorkerStartError) as raised:
        await SubprocessChannel.spawn(AppSpec(root, environment()), found, lambda log: None).start()
    return raised.value


async def test_a_node_that_is_not_there(tmp_path: Path) -> None:
    error = await start_error(tmp_path, Interpreter(tmp_path / "node", "set by X", (), "node"))
    assert error.message == f"there is no Node.js at {tmp_path / 'node'} (set by X)"
    assert error.hint == (
        "install it there, or choose another with languageWorkers__node__defaultExecutablePath"
    )


async def test_a_node_that_is_too_old(tmp_path: Path) -> None:
    node.require()
    main = Path(process.__file__).parent / "nodeworker" / "main.cjs"
    (tmp_path / "old.js").write_text(
        "Object.defineProperty(process.versions, 'node', { value: '16.20.1' });\n"
        f"require({json.dumps(str(main))});\n"
    )
    program = tmp_path / "node"
    real = interpreter(tmp_path).executable
    program.write_text(f"#!/bin/sh\nexec {real} {tmp_path / 'old.js'}\n")
    program.chmod(0o755)
    error = await start_error(tmp_path, Interpreter(program, "the test's", (), "node"))
    assert error.message.startswith("Node.js 16.20.1 of ")
    assert error.message.endswith("is too old, 18 or newer is needed")
    assert error.hint == (
        "choose a newer Node.js with languageWorkers__node__defaultExecutablePath"
    )
