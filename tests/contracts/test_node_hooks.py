"""Hooks of apps in JavaScript."""

from __future__ import annotations

from pathlib import Path

from tests.support.node import javascript
from tests.support.workers import request, serving

KIND = "node"


async def test_hooks_run_in_order_and_may_change_everything(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        app.hook.appStart((context) => { context.hookData.begun = true; console.log('start'); });
        app.hook.appTerminate(async (context) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          require('fs').writeFileSync('bye', String(context.hookData.begun));
        });
        app.hook.preInvocation((context) => {
          context.hookData.who = context.inputs[0].query.get('who');
          const handler = context.functionHandler;
          context.functionHandler = async (...args) => `${await handler(...args)} wrapped`;
          context.inputs = ['replaced'];
        });
        const passing = app.hook.preInvocation(() => { throw new Error('disposed of'); });
        passing.dispose();
        passing.dispose();
        app.hook.postInvocation((context) => {
          context.invocationContext.log(`after ${context.hookData.who}`);
          if (context.error) {
            context.result = { body: `saved: ${context.error.message}` };
            context.error = null;
          } else {
            context.result = { body: context.result };
          }
        });
        app.hook.log((context) => {
          if (context.category === 'user') {
            context.message = `${context.message}!`;
            if (context.message === 'loud!') context.level = 'warning';
            if (context.message === 'hidden!') context.level = 'none';
          }
        });
        http('f', (given, context) => {
          context.log('loud');
          context.log('hidden');
          if (given === 'fail') throw new Error('never');
          return given;
        });
        http('fails', () => { throw new TypeError('bad'); });
        """,
    )
    async with serving(KIND, root) as worker:
        assert worker.said() == ["start"]
        assert await worker.text("f", id="1", req=request(query={"who": "me"})) == (
            "replaced wrapped"
        )
        assert worker.said("1") == ["loud!", "after me!"]
        assert [each.level for each in worker.logs if each.message == "loud!"] == ["Warning"]
        assert await worker.text("fails", id="2") == "saved: bad"
        await worker.channel.aclose()
    assert (root / "bye").read_text() == "true"


async def test_a_hook_that_fails_fails_the_call(tmp_path: Path) -> None:
    root = javascript(
        tmp_path,
        """
        app.hook.preInvocation((context) => {
          if (context.invocationContext.functionName === 'f') throw new RangeError('hook');
          context.invocationContext = null;
        });
        http('f', () => ({}));
        http('g', () => ({}));
        """,
    )
    async with serving(KIND, root) as worker:
        assert (await worker.call("f")).error.title == "RangeError: hook"
        error = (await worker.call("g")).error
        assert error.title == "TypeError: Cannot assign to read only property 'invocationContext'"
