"""How official workers end, with their host as well."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from emulator.model import Invocation
from emulator.workers.channel import AppSpec, FunctionLoad, WorkerLog
from emulator.workers.supervisor import Supervisor
from tests.support.patience import PATIENCE
from tests.support.processes import until
from tests.support.rpcapps import OBEDIENT, a_worker, like, open_rpc
from tests.support.workers import decorated, environment, models, request, text_of, write


async def test_the_worker_is_asked_to_end_where_it_can_be(tmp_path: Path) -> None:
    logs: list[WorkerLog] = []
    channel = open_rpc(tmp_path, logs.append, like(capabilities=OBEDIENT))
    await channel.start()
    await channel.aclose(PATIENCE)
    info = await channel.closed
    assert (info.code, info.expected) == (0, True)
    assert f"asked to end within {PATIENCE * 1000:.0f} ms" in [each.message for each in logs]
    await channel.aclose(1)


async def test_crashes_are_made_good_and_processes_counted(tmp_path: Path) -> None:
    code = "import os\n@app.route()\ndef f(req):\n    return str(os.getpid())\n"
    root = decorated(tmp_path, code)
    settings = {**like(capabilities=OBEDIENT), "FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
    spec = AppSpec(root, environment(settings))
    supervisor = Supervisor.spawn(spec, a_worker(), lambda log: None)
    try:
        await supervisor.start()
        functions = models(await supervisor.index())
        await supervisor.load([FunctionLoad(each) for each in functions])
        await until(lambda: len(supervisor.pids) == 2)
        first = supervisor.pids[0]
        os.kill(first, signal.SIGKILL)
        await until(lambda: first not in supervisor.pids and len(supervisor.pids) == 2)
        answers = set()

        async def ask(at: int) -> None:
            result = await supervisor.invoke(Invocation(f"c{at}", "f", {"req": request()}))
            answers.add(text_of(result))

        at = 0
        async with asyncio.timeout(PATIENCE):
            while len(answers) < 2:
                await ask(at)
                at += 1
                await asyncio.sleep(0.01)
        assert answers == {str(each) for each in supervisor.pids}
    finally:
        await supervisor.aclose(1)


HOST = """
import asyncio, sys
from pathlib import Path
from tests.support.rpcapps import open_rpc, like

async def main():
    channel = open_rpc(Path(sys.argv[1]), lambda log: print(log.message, flush=True), like())
    await channel.start()
    print("worker", *channel.pids, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="needs groups of processes")
def test_nothing_is_left_when_the_host_is_killed(tmp_path: Path) -> None:
    """Nor what the app has started; official workers live on alone otherwise."""
    code = """
    import subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("child", child.pid, flush=True)
    """
    write(tmp_path, {"function_app.py": textwrap.dedent(code)})
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert host.stdout is not None
    pids: dict[str, int] = {}
    with host, host.stdout:
        while len(pids) < 2:
            word, _, rest = host.stdout.readline().strip().partition(" ")
            if word in ("worker", "child"):
                pids[word] = int(rest)
        host.kill()
    deadline = time.monotonic() + PATIENCE
    while any(_lives(pid) for pid in pids.values()):
        assert time.monotonic() < deadline, "they live on"
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status != "Z"
