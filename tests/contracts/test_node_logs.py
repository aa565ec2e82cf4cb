"""Log lines of apps in JavaScript."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.node import javascript
from tests.support.processes import until
from tests.support.workers import request, serving

KIND = "node"


async def test_what_is_said_carries_its_call_and_level(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        console.log('while loaded');
        const later = (text) => new Promise((resolve) => setTimeout(() => {
          console.log(text);
          resolve();
        }, 2));
        http('f', async (request, context) => {
          context.log('info %d', 1, { a: 1 });
          context.warn('warning');
          context.error('error\\nsecond');
          context.debug('debug');
          context.trace('trace');
          console.log('one', { b: 2 });
          console.error('Error: bad');
          console.warn('a warning');
          console.error('note');
          process.stdout.write('LanguageWorkerConsoleLog secret\\n');
          process.stdout.write(Buffer.from('by'));
          process.stdout.write('tes\\n', 'utf8', () => {});
          await Promise.all([later('two'), later('three')]);
          process.stdout.write('no line end');
        });
        http('meet', async (request) => {
          process.stdout.write(`${request.query.get('who')} `);
          await later(request.query.get('who'));
        });
        """,
    )
    async with serving(KIND, root) as worker:
        assert worker.said() == ["while loaded"]
        await worker.call("f", id="1")
        assert [
            (each.level, each.message, each.source)
            for each in worker.logs
            if each.invocation_id == "1"
        ] == [
            ("Information", "info 1 { a: 1 }", "logging"),
            ("Warning", "warning", "logging"),
            ("Error", "error\nsecond", "logging"),
            ("Debug", "debug", "logging"),
            ("Trace", "trace", "logging"),
            ("Information", "one { b: 2 }", "stdout"),
            ("Error", "Error: bad", "stderr"),
            ("Warning", "a warning", "stderr"),
            ("Information", "note", "stderr"),
            ("Information", "secret", "worker"),
            ("Information", "bytes", "stdout"),
            ("Information", "two", "stdout"),
            ("Information", "three", "stdout"),
            ("Information", "no line end", "stdout"),
        ]
        calls = [worker.call("meet", id=who, req=request(query={"who": who})) for who in "abc"]
        await asyncio.gather(*calls)
        assert [worker.said(who) for who in "abc"] == [["a a"], ["b b"], ["c c"]]


async def test_a_log_after_the_end_is_warned_about(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        "http('f', (request, context) => { setTimeout(() => context.log('late'), 5); });",
    )
    async with serving(KIND, root) as worker:
        await worker.call("f", id="1")
        await until(lambda: "late" in worker.said("1"))
        first = next(each for each in worker.logs if each.invocation_id == "1")
        assert (first.level, first.source) == ("Warning", "worker")
        assert first.message.startswith("Warning: Unexpected call to 'log'")
