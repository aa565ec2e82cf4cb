"""What functions say, and where it appears: levels, loggers, print, warnings, import time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.hosted import HEAD, channel_of, hosted
from tests.support.serving import Served, served, write_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = (
    HEAD
    + """
import logging, sys, threading, warnings
logging.warning("said while importing")


@app.route(route="levels/{word}")
def levels(req: func.HttpRequest) -> str:
    word = req.route_params["word"]
    logging.debug("%s debug", word)
    logging.info("%s info", word)
    logging.warning("%s warning", word)
    logging.error("%s error", word)
    logging.critical("%s critical", word)
    return "said"


@app.route(route="loggers")
def loggers(req: func.HttpRequest) -> str:
    logging.getLogger("azure.functions").error("system one")
    logging.getLogger("azure.functions.sub").error("system two")
    logging.getLogger("azure_functions_worker").error("system three")
    logging.getLogger("azure.storage").warning("user one")
    logging.getLogger("my.own").info("user two")
    loud = logging.getLogger("loud")
    loud.setLevel(logging.DEBUG)
    loud.debug("user three")
    return "said"


@app.route(route="details")
async def details(req: func.HttpRequest) -> str:
    logging.warning("two\\nlines")
    logging.warning("braces {0} %%s {name}")
    logging.warning("unicode ✓ ü")
    logging.warning("no exception", exc_info=True)
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("with its traceback")
    return "said"


@app.route(route="bad_format")
async def bad_format(req: func.HttpRequest) -> str:
    logging.warning("bad format %d", "text")
    logging.warning("after the bad format")
    return "said"


@app.route(route="prints")
def prints(req: func.HttpRequest) -> str:
    print("Secret42 printed")
    print("LanguageWorkerConsoleLog Secret43")
    print("one", end=" ")
    print("line")
    print("to stderr with a failure", file=sys.stderr)
    sys.stdout.write("without line end")
    warnings.warn("look out")
    return "said"


@app.route(route="stray")
def stray(req: func.HttpRequest) -> str:
    thread = threading.Thread(target=lambda: logging.warning("from a stray thread"))
    thread.start()
    thread.join()
    return "said"
"""
)

host = hosted({"function_app.py": CODE})


async def say(host: Served, path: str) -> None:
    answer = await host.get(f"/api/{path}")
    assert (answer.status, answer.text) == (200, "said")
    await host.until_printed(f"GET /api/{path} → 200")


async def test_information_and_more_is_shown_with_the_function(host: Served) -> None:
    await say(host, "levels/plain")
    for level in ("info", "warning", "error", "critical"):
        (line,) = [line for line in host.output if f"plain {level}" in line]
        assert "[levels]" in line
    assert "plain debug" not in host.printed


async def test_lines_come_before_the_line_of_their_request(host: Served) -> None:
    await say(host, "levels/early")
    order = [line for line in host.output if "early" in line]
    assert "→ 200" in order[-1]
    assert len(order) == 5


async def test_lines_of_the_worker_s_own_loggers_are_not_shown(host: Served) -> None:
    await say(host, "loggers")
    assert not [line for line in host.output if "system " in line]
    await host.until_printed("user one")
    await host.until_printed("user two")
    assert "user three" not in host.printed  # below the level of the console


async def test_a_logger_set_to_debug_passes_its_lines_on(tmp_path: Path, channel: str) -> None:
    host_json = '{"version": "2.0", "logging": {"logLevel": {"default": "Debug"}}}'
    app = write_app(tmp_path, {"function_app.py": CODE, "host.json": host_json})
    async with served(app, channel=channel) as host:
        await say(host, "loggers")
        await host.until_printed("user three")


async def test_messages_arrive_whole(host: Served) -> None:
    await say(host, "details")
    await host.until_printed("two")
    assert any(line.endswith("lines") for line in host.output)
    await host.until_printed("braces {0} %%s {name}")
    await host.until_printed("unicode ✓ ü")
    at = next(index for index, line in enumerate(host.output) if "no exception" in line)
    assert "NoneType: None" in host.output[at + 1]
    await host.until_printed("with its traceback")
    await host.until_printed("ZeroDivisionError: division by zero")


async def test_a_bad_format_fails_nothing(host: Served) -> None:
    if channel_of(host) == "inprocess":
        pytest.skip("the tests' own handler would raise there")
    await say(host, "bad_format")
    await host.until_printed("after the bad format")


async def test_what_is_printed_is_shown_once(host: Served) -> None:
    if channel_of(host) == "inprocess":
        pytest.skip("standard output is the tests' there")
    await say(host, "prints")
    assert host.printed.count("Secret42 printed") == 1
    assert "Secret43" not in host.printed
    assert any(line.endswith("one line") for line in host.output)
    await host.until_printed("Error: to stderr with a failure")
    assert host.printed.count("without line end") == 1
    await host.until_printed("look out")


async def test_what_no_call_said_is_shown_as_well(host: Served) -> None:
    await say(host, "stray")
    if channel_of(host) == "subprocess":
        assert host.printed.count("from a stray thread") == 1
    assert host.printed.count("said while importing") == 1


@pytest.mark.parametrize(
    ("levels", "settings", "shown", "hidden"),
    [
        ({"default": "Trace"}, {}, ["info"], ["debug"]),
        ({"default": "Trace"}, {"PYTHON_ENABLE_DEBUG_LOGGING": "1"}, ["debug", "info"], []),
        ({"default": "Information"}, {"PYTHON_ENABLE_DEBUG_LOGGING": "1"}, ["info"], ["debug"]),
        ({"default": "Error"}, {}, ["error", "critical"], ["info", "warning"]),
        ({"Function.levels.User": "Warning"}, {}, ["warning"], ["info"]),
        ({"Function": "Critical"}, {}, ["critical"], ["error"]),
        ({"default": "None"}, {}, [], ["critical"]),
        ({"default": "Error", "Function.levels": "Information"}, {}, ["info"], []),
    ],
)
async def test_levels_of_host_json_decide(
    tmp_path: Path,
    levels: dict[str, str],
    settings: dict[str, str],
    shown: list[str],
    hidden: list[str],
) -> None:
    host_json = json.dumps({"version": "2.0", "logging": {"logLevel": levels}})
    app = write_app(tmp_path, {"function_app.py": CODE, "host.json": host_json})
    async with served(app, channel="inprocess", settings=settings) as host:
        assert (await host.get("/api/levels/w")).status == 200
        await host.until_printed("GET /api/levels/w")
        for level in shown:
            await host.until_printed(f"w {level}")
        for level in hidden:
            assert f"w {level}" not in host.printed


async def test_the_command_line_may_ask_for_less(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    async with served(app, "--user-log-level", "Error") as host:
        await say(host, "levels/w")
        await host.until_printed("w error")
        assert "w warning" not in host.printed


async def test_verbose_shows_where_calls_begin_and_end(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path, {"function_app.py": CODE})
    async with served(app, "--verbose", channel=channel) as host:
        await say(host, "levels/w")
        (began,) = [line for line in host.output if "Executing 'Functions.levels'" in line]
        (ended,) = [line for line in host.output if "Executed 'Functions.levels'" in line]
        assert "(Reason='This function was programmatically called via the host APIs.', " in began
        call = began.partition("Id=")[2].rstrip(")")
        assert f"(Succeeded, Id={call}, Duration=" in ended
        assert ended.endswith("ms)")
