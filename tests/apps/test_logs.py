"""What a host prints: the app's own lines, one line per request, and little of its own."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Served, served, write_app

HEAD = (
    "import asyncio, contextvars, logging, sys, threading, warnings\n"
    "import azure.functions as func\n"
    "app = func.FunctionApp(http_auth_level='ANONYMOUS')\n"
)

TALK = HEAD + (
    "logging.getLogger('mine').setLevel(logging.DEBUG)\n"
    "@app.route(route='talk')\n"
    "def talk(req: func.HttpRequest) -> str:\n"
    "    logging.debug('said-debug')\n"
    "    logging.info('said-info %s', 5)\n"
    "    logging.warning('said-warning')\n"
    "    logging.error('said-error')\n"
    "    logging.critical('said-critical')\n"
    "    logging.getLogger('mine').debug('said-mine')\n"
    "    logging.getLogger('azure.storage').info('said-storage')\n"
    "    logging.getLogger('azure.functions').error('said-system')\n"
    "    logging.getLogger('azure_functions_worker.x').critical('said-worker')\n"
    "    return 'ok'\n"
)
ALL = ["debug", "info 5", "warning", "error", "critical", "mine", "storage", "system", "worker"]


def lines_with(host: Served, text: str) -> list[str]:
    return [line for line in host.output if text in line]


def said(host: Served) -> list[str]:
    """Return which of the lines of `TALK` were printed."""
    return re.findall(r"said-(\w+(?: 5)?)", host.printed)


@asynccontextmanager
async def talking(
    folder: Path,
    *arguments: str,
    channel: str = "subprocess",
    code: str = TALK,
    settings: Mapping[str, str] | None = None,
    levels: Mapping[str, str] | None = None,
) -> AsyncIterator[Served]:
    """Serve an app, with log levels in host.json."""
    host_json: dict[str, Any] = {"version": "2.0"}
    if levels is not None:
        host_json["logging"] = {"logLevel": levels}
    app = write_app(folder, {"function_app.py": code, "host.json": json.dumps(host_json)})
    async with served(app, *arguments, channel=channel, settings=settings) as host:
        await host.until_printed("Ready")
        yield host


async def ask(host: Served, path: str = "/api/talk") -> str:
    """Call a function and wait until its request is told, which is after all it said."""
    answer = await host.get(path)
    await host.until_printed(f"GET {path} → {answer.status}")
    return answer.text


async def test_lines_from_information_on_are_shown_with_their_function(
    channel: str, tmp_path: Path
) -> None:
    async with talking(tmp_path, channel=channel) as host:
        await ask(host)
        assert said(host) == ["info 5", "warning", "error", "critical", "storage"]
        (line,) = lines_with(host, "said-info")
        assert re.fullmatch(r"\d\d:\d\d:\d\d \[talk\] said-info 5", line)
        (line,) = lines_with(host, "said-warning")
        assert line.endswith("[talk] Warning: said-warning")
        (line,) = lines_with(host, "said-error")
        assert line.endswith("[talk] Error: said-error")


@pytest.mark.parametrize(
    ("levels", "wanted"),
    [
        ({"default": "Trace"}, ["mine"]),
        ({"default": "Warning"}, ["-info 5", "-storage"]),
        ({"default": "None"}, ["-info 5", "-warning", "-error", "-critical", "-storage"]),
        ({"Function": "Error"}, ["-info 5", "-warning", "-storage"]),
        ({"default": "Error", "Function.talk": "Information"}, []),
        ({"Function": "Error", "Function.talk.User": "Debug"}, ["mine"]),
        ({"Function.tal": "Critical"}, ["-info 5", "-warning", "-error", "-storage"]),
        ({"Function.other": "Critical"}, []),
        ({"Host.Function.Console": "None"}, []),
    ],
    ids=lambda given: json.dumps(given) if isinstance(given, dict) else "",
)
async def test_host_json_chooses_the_level(
    tmp_path: Path, levels: Mapping[str, str], wanted: list[str]
) -> None:
    async with talking(tmp_path, channel="inprocess", levels=levels) as host:
        await ask(host)
        expected = {"info 5", "warning", "error", "critical", "storage"}
        for each in wanted:
            expected = expected - {each[1:]} if each.startswith("-") else expected | {each}
        assert set(said(host)) == expected


async def test_a_setting_overrides_a_level_of_host_json(channel: str, tmp_path: Path) -> None:
    settings = {"AzureFunctionsJobHost__logging__logLevel__Function": "Error"}
    levels = {"Function": "Debug"}
    async with talking(tmp_path, channel=channel, settings=settings, levels=levels) as host:
        await ask(host)
        assert said(host) == ["error", "critical"]


@pytest.mark.parametrize("enabled", ["1", "true"])
async def test_debug_lines_need_the_setting_of_the_worker_and_a_level(
    channel: str, tmp_path: Path, enabled: str
) -> None:
    settings = {"PYTHON_ENABLE_DEBUG_LOGGING": enabled}
    levels = {"default": "Trace"}
    async with talking(tmp_path, channel=channel, settings=settings, levels=levels) as host:
        await ask(host)
        assert set(said(host)) == {*ALL} - {"system", "worker"}


async def test_debug_lines_are_hidden_at_information_whatever_the_worker_sends(
    channel: str, tmp_path: Path
) -> None:
    settings = {"PYTHON_ENABLE_DEBUG_LOGGING": "1"}
    levels = {"default": "Information"}
    async with talking(tmp_path, channel=channel, settings=settings, levels=levels) as host:
        await ask(host)
        assert not {"debug", "mine"} & set(said(host))


@pytest.mark.parametrize("how", ["option", "variable"])
async def test_the_level_of_users_lines_can_be_asked_for(tmp_path: Path, how: str) -> None:
    arguments = ("--user-log-level", "error") if how == "option" else ()
    settings = {} if how == "option" else {"FUNCTIONS_USER_LOG_LEVEL": "Error"}
    levels = {"default": "Information"}
    async with talking(tmp_path, *arguments, settings=settings, levels=levels) as host:
        await ask(host)
        assert said(host) == ["error", "critical"]


async def test_a_category_of_host_json_refines_the_level_asked_for(tmp_path: Path) -> None:
    levels = {"default": "Warning", "Function.talk": "Debug"}
    async with talking(tmp_path, "--user-log-level", "Error", levels=levels) as host:
        await ask(host)
        assert set(said(host)) == {"info 5", "warning", "error", "critical", "mine", "storage"}


async def test_loggers_of_the_worker_itself_are_never_shown(channel: str, tmp_path: Path) -> None:
    async with talking(tmp_path, channel=channel, levels={"default": "Trace"}) as host:
        await ask(host)
        assert not {"system", "worker"} & set(said(host))


async def test_levels_follow_host_json_on_save(tmp_path: Path) -> None:
    async with talking(tmp_path, "--watch", levels={"default": "Error"}) as host:
        await ask(host)
        assert "said-warning" not in host.printed
        (tmp_path / "host.json").write_text(
            '{"version": "2.0", "logging": {"logLevel": {"default": "Warning"}}}'
        )
        await host.until_printed("Reloaded")
        await ask(host)
        await host.until_printed("said-warning")


PRINT = HEAD + (
    "@app.route(route='talk')\n"
    "def talk(req: func.HttpRequest) -> str:\n"
    "    print('Secret42')\n"
    "    print('LanguageWorkerConsoleLog Secret43')\n"
    "    print('languageworkerconsolelog Secret44')\n"
    "    sys.stdout.write('unfinished')\n"
    "    print('a warning of mine', file=sys.stderr)\n"
    "    print('it failed', file=sys.stderr)\n"
    "    print('just so', file=sys.stderr)\n"
    "    return 'ok'\n"
)


async def test_what_is_printed_is_shown_once_without_being_flushed(tmp_path: Path) -> None:
    async with talking(tmp_path, code=PRINT) as host:
        await ask(host)
        for text in ("Secret42", "unfinished", "just so"):
            (line,) = lines_with(host, text)
            assert re.fullmatch(rf"\d\d:\d\d:\d\d {text}", line)
        (line,) = lines_with(host, "a warning of mine")
        assert line.endswith(" Warning: a warning of mine")
        (line,) = lines_with(host, "it failed")
        assert line.endswith(" Error: it failed")


@pytest.mark.parametrize("levels", [None, {"default": "Trace"}], ids=["usual", "all levels"])
async def test_lines_meant_for_the_host_are_not_shown(
    tmp_path: Path, levels: dict[str, str] | None
) -> None:
    async with talking(tmp_path, code=PRINT, levels=levels) as host:
        await ask(host)
        assert "Secret43" not in host.printed
        assert "Secret44" not in host.printed


async def test_lines_meant_for_the_host_are_shown_to_who_wants_everything(tmp_path: Path) -> None:
    async with talking(tmp_path, "--verbose", code=PRINT) as host:
        await ask(host)
        (line,) = lines_with(host, "Secret43")
        assert "LanguageWorkerConsoleLog" not in line


async def test_printed_lines_have_a_category_of_their_own(tmp_path: Path) -> None:
    levels = {"Host.Function.Console": "Warning"}
    async with talking(tmp_path, code=PRINT, levels=levels) as host:
        await ask(host)
        assert "Secret42" not in host.printed
        await host.until_printed("a warning of mine")


ODD = HEAD + (
    "logging.warning('while-imported')\n"
    "print('printed-while-imported')\n"
    "def later(text):\n"
    "    logging.info(text)\n"
    "@app.route(route='talk')\n"
    "def talk(req: func.HttpRequest, context: func.Context) -> str:\n"
    "    def told():\n"
    "        context.thread_local_storage.invocation_id = context.invocation_id\n"
    "        logging.info('from-told-thread')\n"
    "    for target, args in ((told, ()), (later, ('from-stray-thread',))):\n"
    "        thread = threading.Thread(target=target, args=args)\n"
    "        thread.start()\n"
    "        thread.join()\n"
    "    logging.info('first line\\nsecond line')\n"
    "    try:\n"
    "        1 / 0\n"
    "    except ZeroDivisionError:\n"
    "        logging.exception('with-traceback')\n"
    "    logging.info('with-none', exc_info=True)\n"
    "    warnings.warn('a-python-warning')\n"
    "    return 'ok'\n"
    "@app.route(route='tasks')\n"
    "async def tasks(req: func.HttpRequest) -> str:\n"
    "    value = contextvars.ContextVar('value')\n"
    "    async def one(name):\n"
    "        await asyncio.sleep(0)\n"
    "        logging.info('task-%s %s', name, value.get('unset'))\n"
    "    copied = contextvars.copy_context()\n"
    "    copied.run(value.set, 'copied')\n"
    "    await asyncio.gather(one('gathered'), asyncio.create_task(one('created')))\n"
    "    if sys.version_info >= (3, 11):\n"
    "        await asyncio.create_task(one('with-context'), context=copied)\n"
    "    await asyncio.to_thread(logging.info, 'task-in-thread')\n"
    "    return 'ok'\n"
    "@app.route(route='outlive')\n"
    "async def outlive(req: func.HttpRequest) -> str:\n"
    "    async def slow():\n"
    "        await asyncio.sleep(0.02)\n"
    "        logging.info('after-the-call')\n"
    "    app.kept = asyncio.create_task(slow())\n"
    "    return 'ok'\n"
)


async def test_lines_that_belong_to_no_call_are_shown_all_the_same(tmp_path: Path) -> None:
    async with talking(tmp_path, code=ODD) as host:
        (line,) = lines_with(host, " Warning: while-imported")
        assert "[" not in line
        assert len(lines_with(host, "printed-while-imported")) == 1
        await ask(host)
        (line,) = lines_with(host, "from-stray-thread")
        assert re.fullmatch(r"\d\d:\d\d:\d\d from-stray-thread", line)


async def test_lines_of_an_import_in_process_are_shown(tmp_path: Path) -> None:
    async with talking(tmp_path, channel="inprocess", code=ODD) as host:
        assert len(lines_with(host, " Warning: while-imported")) == 1


async def test_a_thread_that_says_whose_it_is_is_told_with_its_function(
    channel: str, tmp_path: Path
) -> None:
    async with talking(tmp_path, channel=channel, code=ODD) as host:
        await ask(host)
        (line,) = lines_with(host, "from-told-thread")
        assert line.endswith("[talk] from-told-thread")


async def test_a_message_of_several_lines_stays_together(channel: str, tmp_path: Path) -> None:
    async with talking(tmp_path, channel=channel, code=ODD) as host:
        await ask(host)
        at = next(index for index, line in enumerate(host.output) if "first line" in line)
        assert host.output[at].endswith("[talk] first line")
        assert host.output[at + 1].endswith("second line")
        at = next(index for index, line in enumerate(host.output) if "with-traceback" in line)
        assert "Traceback (most recent call last):" in host.output[at + 1]
        assert any("ZeroDivisionError: division by zero" in line for line in host.output)
        at = next(index for index, line in enumerate(host.output) if "with-none" in line)
        assert host.output[at + 1].endswith("NoneType: None")


async def test_warnings_of_python_are_shown(tmp_path: Path) -> None:
    async with talking(tmp_path, code=ODD) as host:
        await ask(host)
        assert lines_with(host, "UserWarning: a-python-warning")


async def test_tasks_of_a_call_are_told_with_its_function(channel: str, tmp_path: Path) -> None:
    async with talking(tmp_path, channel=channel, code=ODD) as host:
        assert await ask(host, "/api/tasks") == "ok"
        for name, value in (
            ("gathered", "unset"),
            ("created", "unset"),
            ("with-context", "copied"),
        ):
            (line,) = lines_with(host, f"task-{name}")
            assert line.endswith(f"[tasks] task-{name} {value}")
        (line,) = lines_with(host, "task-in-thread")
        assert line.endswith("[tasks] task-in-thread")


async def test_a_task_that_outlives_its_call_is_shown_once(channel: str, tmp_path: Path) -> None:
    async with talking(tmp_path, channel=channel, code=ODD) as host:
        await ask(host, "/api/outlive")
        await host.until_printed("after-the-call")
        assert len(lines_with(host, "after-the-call")) == 1


FAIL = HEAD + (
    "@app.route(route='talk')\n"
    "def talk(req: func.HttpRequest) -> str:\n"
    "    try:\n"
    "        int('x')\n"
    "    except ValueError as error:\n"
    "        raise RuntimeError('boom') from error\n"
)


async def test_a_failure_is_told_in_a_block_people_can_search_for(
    channel: str, tmp_path: Path
) -> None:
    async with talking(tmp_path, channel=channel, code=FAIL) as host:
        await ask(host)
        at = host.output.index("Exception: RuntimeError: boom")
        executed = (
            r"\d\d:\d\d:\d\d Executed 'Functions.talk' \(Failed, Id=[0-9a-f-]{36}, Duration=\d+ms\)"
        )
        assert re.fullmatch(executed, host.output[at - 1])
        assert host.output[at + 1].startswith("Stack: ")
        block = "\n".join(host.output[at:])
        assert "function_app.py" in block
        assert "ValueError: invalid literal for int()" in block


async def test_a_quiet_call_is_one_line(channel: str, tmp_path: Path) -> None:
    code = (
        HEAD
        + "@app.route(route='talk')\ndef talk(req: func.HttpRequest) -> str:\n    return 'ok'\n"
    )
    async with talking(tmp_path, channel=channel, code=code) as host:
        before = len(host.output)
        await ask(host)
        (line,) = host.output[before:]
        assert re.fullmatch(r"\d\d:\d\d:\d\d GET /api/talk → 200 \([\d.]+ ms\)  talk", line)


async def test_verbose_tells_when_a_call_begins_and_ends(channel: str, tmp_path: Path) -> None:
    async with talking(tmp_path, "--verbose", channel=channel) as host:
        await ask(host)
        reason = "This function was programmatically called via the host APIs."
        (line,) = lines_with(host, "Executing 'Functions.talk'")
        assert f"(Reason='{reason}', Id=" in line
        (line,) = lines_with(host, "Executed 'Functions.talk'")
        assert re.search(r"\(Succeeded, Id=[0-9a-f-]{36}, Duration=\d+ms\)", line)


LEAK = HEAD + (
    "import os\n"
    "KEYS = ['API_KEY', 'AzureWebJobsStorage', 'Section__Key', 'DB_PASSWORD', 'SHELL_TOKEN']\n"
    "logging.warning('at import: %s', os.environ['API_KEY'])\n"
    "@app.route(route='talk')\n"
    "def talk(req: func.HttpRequest) -> str:\n"
    "    for name in KEYS:\n"
    "        logging.warning('%s is %s', name, os.environ[name])\n"
    "        print(name, 'printed', os.environ[name])\n"
    "    raise RuntimeError('rejected: ' + os.environ['API_KEY'])\n"
)
SECRETS = {
    "API_KEY": "planted-key-1",
    "AzureWebJobsStorage": "AccountName=a;AccountKey=planted-key-2==",
    "Section__Key": "planted-key-3",
}


@pytest.mark.parametrize("output", ["plain", "json"])
@pytest.mark.parametrize("verbose", [False, True])
async def test_values_of_secret_settings_never_reach_the_console(
    tmp_path: Path, output: str, verbose: bool
) -> None:
    write_app(
        tmp_path,
        {
            "local.settings.json": json.dumps({"IsEncrypted": False, "Values": SECRETS}),
            ".env": "DB_PASSWORD='planted key 4'\nplanted-line-6\n",
        },
    )
    arguments = ["--output", output, *(["--verbose"] if verbose else [])]
    shell = {"SHELL_TOKEN": 'planted"key-5'}
    app = write_app(tmp_path, {"function_app.py": LEAK})
    async with served(app, *arguments, settings=shell) as host:
        assert (await host.get("/api/talk?code=planted-code")).status == 500
        await host.until_printed("rejected: *****")
    await host.until_printed("SHELL_TOKEN is *****")
    assert "planted" not in host.printed


@pytest.mark.parametrize(
    "text",
    ['{"Values": {"KEY" "planted"}}', '{"Values": {"KEY": planted}}', "{'KEY': 'planted'}"],
)
async def test_a_broken_settings_file_is_told_without_what_stands_in_it(
    channel: str, tmp_path: Path, text: str
) -> None:
    write_app(tmp_path, {"local.settings.json": text, ".env": "PASSWORD='planted\n"})
    async with talking(tmp_path, channel=channel) as host:
        await host.until_printed("local.settings.json:1")
        await host.until_printed(".env:1")
        assert "planted" not in host.printed
