"""What is said to official workers, each with its own ways; by a worker that takes them on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from grpclib.server import Stream

from emulator.discovery.decorated import read_indexed
from emulator.errors import WorkerLost, WorkerStartError
from emulator.model import Datum, FunctionError, Invocation
from emulator.workers.channel import AppSpec, FunctionLoad, WorkerLog
from emulator.workers.functionrpc.channel import RpcChannel
from emulator.workers.supervisor import Supervisor
from tests.support.patience import PATIENCE
from tests.support.processes import until
from tests.support.rpcapps import OBEDIENT, PYTHON_WORKER, a_worker, like, open_rpc
from tests.support.workers import (
    Worker,
    decorated,
    environment,
    folder_function,
    models,
    request,
    text_of,
    write,
)

HELLO = "@app.route()\ndef f(req):\n    return 'hello'\n"
WAITING = """
import asyncio, logging

@app.route()
async def f(req):
    logging.info("begun")
    await asyncio.sleep(60)

@app.route()
def quick(req):
    return "quick"
"""
UNKNOWN = (
    "invocation_cancel",
    "worker_terminate",
    "worker_warmup_request",
    "function_load_request_collection",
)


class Broken(Exception):
    """What nobody reckons with."""


@asynccontextmanager
async def running(
    root: Path, *does: str, capabilities: Mapping[str, str] = PYTHON_WORKER, **changes: Any
) -> AsyncIterator[Worker]:
    logs: list[WorkerLog] = []
    settings = like(*does, capabilities=capabilities)
    channel = open_rpc(root, logs.append, settings, **changes)
    try:
        yield Worker(channel, logs, await channel.start())
    finally:
        await channel.aclose(1)


@asynccontextmanager
async def loaded(root: Path, *does: str, **changes: Any) -> AsyncIterator[Worker]:
    async with running(root, *does, **changes) as worker:
        await worker.load_all()
        yield worker


async def refused(root: Path, *does: str, **changes: Any) -> WorkerStartError:
    """Return why a worker did not start."""
    with pytest.raises(WorkerStartError) as raised:
        async with running(root, *does, **changes):
            pass
    return raised.value


# Start


async def test_the_worker_says_who_it_is(tmp_path: Path) -> None:
    async with running(tmp_path) as worker:
        info = worker.info
        assert (info.language, info.worker_version) == ("python", "1.2.3")
        assert info.version == "{}.{}.{}".format(*sys.version_info[:3])
        assert info.worker_directory == str(a_worker().directory)
        assert worker.channel.pids == (info.pid,)
        assert info.takes_binding_data


async def test_a_worker_that_never_connects_is_given_up(tmp_path: Path) -> None:
    error = await refused(tmp_path, "silence", startup_timeout=1.0)
    assert "did not connect within 1 s" in error.message
    assert str(a_worker().directory) in error.message


async def test_nobody_is_listened_to_but_the_worker(tmp_path: Path) -> None:
    error = await refused(tmp_path, "wrong id")
    assert "ended with exit code 1 before it was ready" in error.message  # it was turned away


async def test_a_worker_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    error = await refused(tmp_path, "no init", initialization_timeout=0.1)
    assert "did not answer within" in error.message


async def test_a_program_that_ends_at_once_tells_why(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text("import sys\nsys.exit('no such runtime')\n", "utf-8")
    error = await refused(tmp_path, worker_path=str(script))
    assert "ended with exit code 1 before it was ready:\nno such runtime" in error.message


async def test_a_worker_runs_in_the_folder_it_asks_for(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "worker.py").write_text("import os, sys\nsys.exit(os.getcwd())\n", "utf-8")
    error = await refused(tmp_path, worker_path=str(own / "worker.py"), folder=own)
    assert error.message.endswith(f"before it was ready:\n{own}")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError, match="cannot be started: /no/java"):
        open_rpc(tmp_path, lambda log: None, executable="/no/java")


def test_a_machine_with_too_many_open_files_is_told_as_the_reason(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, most[1]))
    try:
        with pytest.raises(WorkerStartError, match="nothing can connect to a worker"):
            open_rpc(tmp_path, lambda log: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)


async def test_a_worker_that_was_never_started_can_be_closed(tmp_path: Path) -> None:
    channel = open_rpc(tmp_path, lambda log: None)
    await channel.aclose(1)
    assert (await channel.closed).expected


async def test_a_worker_that_hangs_up_is_ended(tmp_path: Path) -> None:
    error = await refused(tmp_path, "hangs up", initialization_timeout=20.0)
    assert "was ended: it had closed its connection" in error.message


# The app


async def test_nothing_is_sent_that_the_worker_does_not_know(tmp_path: Path) -> None:
    """As Java's, which dies of it; and as all that do not look for functions themselves."""
    root = write(
        tmp_path,
        {"f/main.py": "import asyncio\nasync def main(req):\n    await asyncio.sleep(60)\n"},
    )
    dies = [f"dies of {each}" for each in (*UNKNOWN, "functions_metadata_request")]
    async with running(root, *dies, indexes=False) as worker:
        index = await worker.channel.index()
        assert (index.functions, index.error) == (None, None)
        await worker.load(folder_function(root, "f"))
        assert worker.errors == {}
        call = asyncio.create_task(worker.call("f", id="one"))
        await until(lambda: worker.channel.running == 1)
        await worker.channel.cancel("one")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await worker.load(folder_function(root, "f"))  # it is still there
        assert not worker.channel.closed.done()


async def test_a_file_that_cannot_be_loaded_is_no_success(tmp_path: Path) -> None:
    """As Node's worker, which then lists no functions and is content."""
    root = write(tmp_path, {"function_app.py": "import os\n\n1 / 0\n"})
    async with running(root, "swallows errors") as worker:
        index = await worker.channel.index()
    assert index.error is not None
    assert index.error.title == "ZeroDivisionError: division by zero"
    assert (index.error.file, index.error.line) == (str(root / "function_app.py"), 3)


async def test_a_worker_that_fails_with_the_app_tells_the_app_s_mistake(tmp_path: Path) -> None:
    root = write(tmp_path, {"function_app.py": "import nothing_like_it\n"})
    async with running(root, "fails at init") as worker:
        index = await worker.channel.index()
    assert index.error is not None
    told = "ModuleNotFoundError: No module named 'nothing_like_it'"
    assert index.error.title.startswith(told)


async def test_an_app_that_ends_the_worker_is_told_so(tmp_path: Path) -> None:
    async with running(tmp_path, "dies of functions_metadata_request") as worker:
        index = await worker.channel.index()
    assert index.error is not None
    assert "ended with exit code 3" in index.error.message


async def test_an_app_that_ends_the_worker_at_its_start_is_told_so(tmp_path: Path) -> None:
    """As that of Node.js, which loads the app then: it goes on when the mistake is mended."""
    async with running(tmp_path, "dies of worker_init_request") as worker:
        index = await worker.channel.index()
        assert worker.info.language == "python"
    assert index.error is not None
    assert "ended with exit code 3" in index.error.message


async def test_the_list_of_a_build_counts_where_the_worker_has_none(tmp_path: Path) -> None:
    listed = (
        '[{"name": "f", "scriptFile": "main.py", "entryPoint": "main", "language": "python",'
        ' "bindings": [{"name": "req", "type": "httpTrigger", "direction": "In"},'
        ' {"name": "$return", "type": "http", "direction": "Out"}],'
        ' "properties": {"IsCodeless": false}}]'
    )
    root = write(tmp_path, {"functions.metadata": listed})
    async with running(root, indexes=False) as worker:
        (function,) = (await worker.channel.index()).functions or ()
    assert (function.name, function.script_file, function.entry_point) == ("f", "main.py", "main")
    assert function.bindings[0]["type"] == "httpTrigger"


async def test_functions_are_loaded_together_where_the_worker_takes_that(tmp_path: Path) -> None:
    root = decorated(tmp_path, HELLO + "@app.route()\ndef bad(req, nothing):\n    return 'x'\n")
    capabilities = {**PYTHON_WORKER, "AcceptsListOfFunctionLoadRequests": "1"}
    async with loaded(root, "dies of function_load_request", capabilities=capabilities) as worker:
        assert list(worker.errors) == ["bad"]
        assert await worker.text("f") == "hello"
        assert models(worker.index)[0].name == "f"


async def test_a_function_that_could_not_be_loaded_is_not_called(tmp_path: Path) -> None:
    """Its worker need not know it: Java's would then tell of a mistake of its own."""
    code = HELLO + "@app.route()\ndef bad(req, nothing):\n    return 'x'\n"
    async with loaded(decorated(tmp_path, code)) as worker:
        assert (await worker.call("bad")).error == worker.errors["bad"]
        assert await worker.text("f") == "hello"


async def test_a_function_that_could_not_be_read_leaves_the_others(tmp_path: Path) -> None:
    code = HELLO + "@app.route()\ndef bad(req):\n    return 'x'\n"
    async with loaded(decorated(tmp_path, code), "cannot read") as worker:
        assert {name: each.title for name, each in worker.errors.items()} == {
            "bad": "ValueError: no such trigger"
        }
        assert (await worker.call("bad")).error == worker.errors["bad"]
        assert await worker.text("f") == "hello"


async def test_a_function_of_which_nothing_but_its_failure_is_known_leaves_the_others(
    tmp_path: Path,
) -> None:
    code = HELLO + "@app.route()\ndef bad(req):\n    return 'x'\n"
    async with running(decorated(tmp_path, code), "cannot read", "only names") as worker:
        index = await worker.channel.index()
        assert index.error is None
        bad, good = sorted(index.functions or (), key=lambda each: each.name)
        assert (bad.error or FunctionError("", "")).title == "ValueError: no such trigger"
        model, problems = read_indexed(tmp_path, bad)
        assert model is None
        assert [each.code for each in problems] == ["function-not-loaded"]
        await worker.load(*(each for each in models(index) if each.name == good.name))
        assert await worker.text("f") == "hello"


async def test_what_only_a_host_without_an_app_asks_for_is_not_sent(tmp_path: Path) -> None:
    """Warming up would take the time of the app's own loading, and set Java's environment anew."""
    capabilities = {**PYTHON_WORKER, "HandlesWorkerWarmupMessage": "true"}
    async with loaded(decorated(tmp_path, HELLO), capabilities=capabilities) as worker:
        assert await worker.text("f") == "hello"


async def test_a_capability_without_a_value_is_none(tmp_path: Path) -> None:
    capabilities = {**PYTHON_WORKER, "SupportsLoadResponseCollection": ""}
    async with loaded(
        decorated(tmp_path, HELLO),
        "dies of function_load_request_collection",
        capabilities=capabilities,
    ) as worker:
        assert await worker.text("f") == "hello"


async def test_an_answer_without_a_status_is_a_failure(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, HELLO), "empty load answers") as worker:
        assert "gives no reason" in worker.errors["f"].message


# Calls


async def test_a_report_of_a_failure_is_taken_apart(tmp_path: Path) -> None:
    code = "@app.route()\ndef f(req):\n    raise KeyError('x')\n"
    async with loaded(decorated(tmp_path, code), "report text") as worker:
        error = (await worker.call("f")).error
    assert error.title == "KeyError: 'x'"
    assert error.line == 7


async def test_what_a_skill_returns_is_kept_without_an_output_for_it(tmp_path: Path) -> None:
    code = "@app.generic_trigger(arg_name='t', type='assistantSkillTrigger')\ndef f(t: str) -> str:"
    root = decorated(tmp_path, f"{code}\n    return t.upper()\n")
    async with loaded(root) as worker:
        assert text_of(await worker.call("f", t=Datum("text", "milk"))) == "MILK"


async def test_what_each_worker_says_at_its_start_is_marked(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, HELLO), "is too old") as worker:
        (told,) = [each for each in worker.logs if each.message == "Python reached EOL."]
        assert (told.level, told.source, told.once) == ("Error", "worker", True)
        assert worker.index.error is None
        assert not [each for each in worker.logs if each.once and each is not told]


async def test_the_worker_s_own_debug_lines_are_left_out(tmp_path: Path) -> None:
    code = """
    import logging
    @app.route()
    def f(req):
        logging.getLogger("shop").debug("mine")
        print("LanguageWorkerConsoleLog for the host")
        print("printed")
        return "x"
    """
    async with loaded(decorated(tmp_path, code)) as worker:
        await worker.call("f", id="one")
        await until(lambda: any(each.message == "printed" for each in worker.logs))
        assert not [each for each in worker.logs if each.level == "Debug" if each.logger != "shop"]
        (system,) = [each for each in worker.logs if each.message == "for the host"]
        assert system.source == "worker"


async def test_large_values_pass_both_ways(tmp_path: Path) -> None:
    """Larger than the windows of the connection, while small calls go on."""
    code = """
    @app.route()
    def f(req):
        return func.HttpResponse(req.get_body()[::-1], mimetype="a/b")

    @app.route()
    def quick(req):
        return "quick"
    """
    body = bytes(range(256)) * (20 << 12)
    async with loaded(decorated(tmp_path, code)) as worker:
        calls = [asyncio.create_task(worker.call("f", req=request(body))) for _ in range(2)]
        assert await worker.text("quick") == "quick"
        for call in calls:
            assert (await call).return_value.value.body == body[::-1]


async def test_a_call_that_cannot_be_stopped_ends_its_worker(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("f", id="one"))
        await worker.begun("one")
        await worker.channel.abandon("one", grace=0.05)
        with pytest.raises(WorkerLost, match="ran too long and could not be stopped"):
            await call
        assert worker.channel.closed.done()
        assert worker.channel.pids == ()


async def test_calls_fail_when_nothing_more_can_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Stream.send_message

    async def breaks(stream: Any, message: Any, **more: Any) -> None:
        if message.invocation_request.function_id == "id-of-quick":
            raise Broken("no more")
        await send(stream, message, **more)

    monkeypatch.setattr(Stream, "send_message", breaks)
    async with loaded(decorated(tmp_path, WAITING)) as worker:
        waiting = asyncio.create_task(worker.call("f", id="1"))
        await worker.begun("1")
        told = "the worker was ended: nothing more could be sent to it (Broken: no more)"
        for call in (worker.call("quick"), waiting):
            with pytest.raises(WorkerLost) as raised:
                await call
            assert raised.value.message.startswith(told)
        assert not (await worker.channel.closed).expected


async def test_a_worker_that_dies_ends_its_calls(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, WAITING)) as worker:
        call = asyncio.create_task(worker.call("f", id="one"))
        await worker.begun("one")
        os.kill(worker.info.pid, signal.SIGKILL)
        with pytest.raises(WorkerLost, match="SIGKILL"):
            await call
        with pytest.raises(WorkerLost):
            await worker.call("quick")
        assert not (await worker.channel.closed).expected


# HTTP of the worker's own


class Client:
    """Takes a response as it comes; keeps what is small."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []

    async def start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.status, self.headers = status, dict(headers)

    async def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def complete(self) -> None: ...


async def _body(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)


def _streamed(call_id: str, path: str, **headers: str) -> Invocation:
    given = {"host": "shop.test:7071", "transfer-encoding": "chunked", **headers}
    url = f"https://shop.test:7071{path}"
    return Invocation(call_id, "f", {"req": request(url=url, method="POST", headers=given)})


async def test_requests_go_to_the_worker_s_own_server(tmp_path: Path) -> None:
    async with loaded(decorated(tmp_path, HELLO), "http") as worker:
        channel = worker.channel
        assert isinstance(channel, RpcChannel)
        assert worker.index.streams
        client = Client()
        call = _streamed("one", "/api/f/%C3%A9?a=1%2F2")
        result = await channel.stream(call, _body(1 << 20, 50), client)
        assert result.error is None
        assert (client.status, client.headers["x-length"]) == (201, str(50 << 20))
        assert client.headers["x-host"] == "shop.test:7071"
        assert client.headers["x-proto"] == "https"
        assert b"".join(client.chunks).startswith(b"/api/f/%C3%A9?a=1%2F2 0;/api")
        assert channel.running == 0
        # Where nobody can take it in pieces it is answered whole.
        answer = await worker.call("f", req=request(b"12345", method="POST"))
        assert answer.return_value.value.status == 201
        assert dict(answer.return_value.value.headers)["x-length"] == "5"
        result = await channel.stream(_streamed("two", "/api/fail"), _body(1, 1), Client())
        assert result.error == FunctionError("ValueError", "after all")


async def test_a_function_that_returns_nothing_is_answered_by_the_host(tmp_path: Path) -> None:
    """The worker for Node.js leaves such a request unanswered."""
    async with loaded(decorated(tmp_path, HELLO), "http") as worker:
        channel = worker.channel
        assert isinstance(channel, RpcChannel)
        client = Client()
        result = await channel.stream(_streamed("one", "/api/nothing"), _body(1, 1), client)
        assert (result.error, client.status, client.chunks) == (None, 204, [])
        assert channel.running == 0


async def test_a_client_that_goes_away_ends_the_exchange(tmp_path: Path) -> None:
    class Gone(Client):
        async def write(self, chunk: bytes) -> None:
            raise ConnectionResetError

    async with loaded(decorated(tmp_path, HELLO), "http") as worker:
        channel = worker.channel
        assert isinstance(channel, RpcChannel)
        with pytest.raises(ConnectionResetError):
            await channel.stream(_streamed("one", "/api/f"), _body(1, 1), Gone())
        assert channel.running == 0


# End


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
