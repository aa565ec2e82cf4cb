"""What official workers, each with its own ways, are told of an app."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from emulator.discovery.decorated import read_indexed
from emulator.model import FunctionError
from tests.support.processes import until
from tests.support.rpcapps import HELLO, PYTHON_WORKER, loaded, running
from tests.support.workers import decorated, folder_function, models, write

UNKNOWN = (
    "invocation_cancel",
    "worker_terminate",
    "worker_warmup_request",
    "function_load_request_collection",
)


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
