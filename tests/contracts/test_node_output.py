"""What the process of an app in JavaScript prints, and how it reaches the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.node import javascript
from tests.support.processes import until
from tests.support.workers import serving, started

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals")

KIND = "node"


async def test_raw_output_never_disturbs_the_connection(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        const fs = require('fs');
        const { spawnSync } = require('child_process');
        http('f', () => {
          fs.writeSync(1, Buffer.from('raw \\xff\\n', 'latin1'));
          fs.writeSync(2, 'error raw\\n');
          spawnSync('echo', ['from a child'], { stdio: 'inherit' });
          return { body: 'unharmed' };
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f") == "unharmed"
        wanted = {"raw \ufffd", "error raw", "from a child"}
        await until(lambda: wanted <= {each.message for each in worker.logs})
        raw = {each.message: each for each in worker.logs}
        assert {raw[text].source for text in wanted} == {"stdout", "stderr"}
        assert raw["error raw"].level == "Error"


async def test_characters_may_be_cut_where_output_is_piped(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', () => {
          const text = Buffer.from('né\\nà la fin é');
          for (const byte of text.subarray(0, -1)) process.stdout.write(Buffer.from([byte]));
          return {};
        });
        """,
    )
    async with started("node", root) as worker:
        await worker.load_all()
        await worker.call("f", id="one")
        assert worker.said("one") == ["né", "à la fin \ufffd"]


async def test_a_flood_of_lines_arrives_whole_and_in_order(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        http('f', (request) => {
          for (let n = 0; n < 5000; n++) console.log(n, 'x'.repeat(100));
          console.log('y'.repeat(3 << 20));
          return { body: 'done' };
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert await worker.text("f", id="flood") == "done"
        said = worker.said("flood")
        assert [int(line.split()[0]) for line in said[:5000]] == list(range(5000))
        assert [len(line) for line in said[5000:]] == [1 << 20] * 3
