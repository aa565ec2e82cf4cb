"""An app served in a terminal, with somebody at the keyboard."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.screen import TMUX, Screen, screen, serving_screen
from tests.support.serving import FUNCEMU, Served, environment, write_app

pytestmark = [
    pytest.mark.skipif(TMUX is None, reason="tmux is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

APP = """\
import logging
import azure.functions as func

app = func.FunctionApp(http_auth_level="ANONYMOUS")


@app.route(route="hello", methods=["GET"])
def hello(req: func.HttpRequest) -> str:
    logging.info("saying hello")
    return "version 1"
"""


HINT = "Keys: r reload · o open · f functions · i last call · c clear · q quit · h help"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


@pytest.fixture
async def terminal(tmp_path: Path, app: Path) -> AsyncIterator[Screen]:
    async with serving_screen(tmp_path, app) as opened:
        yield opened


async def get(terminal: Screen, path: str) -> str:
    host = Served(terminal.url, [])
    try:
        return (await host.get(path)).text
    finally:
        await host.aclose()


async def cleared(terminal: Screen) -> None:
    """Clear the screen and wait until it is."""
    await terminal.press("c")
    async with asyncio.timeout(PATIENCE):
        while not (await terminal.text()).startswith(HINT):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


async def test_the_start_ends_with_the_keys(terminal: Screen) -> None:
    lines = (await terminal.text()).splitlines()
    before = lines[lines.index(HINT) - 1]
    assert before.startswith("Ready: 1 function in ")
    assert before.endswith("Ctrl+C stops.")
    assert "\x1b[33mhello" in await terminal.text(colours=True)


async def test_r_reloads(terminal: Screen) -> None:
    await terminal.press("r")
    await terminal.until("Reloaded 1 function in ")
    assert await get(terminal, "/api/hello") == "version 1"


async def test_f_lists_the_functions(terminal: Screen) -> None:
    await cleared(terminal)
    await terminal.press("f")
    assert f"hello: [GET] {terminal.url}/api/hello" in await terminal.until("Functions:")


async def test_i_shows_the_last_call_in_full(terminal: Screen) -> None:
    await terminal.press("i")
    await terminal.until("No function was called yet.")
    await get(terminal, "/api/hello?name=Ada")
    await cleared(terminal)
    await terminal.press("i")
    seen = await terminal.until("gave")
    assert "GET /api/hello → 200\nhello succeeded in " in seen
    assert f"req GET {terminal.url}/api/hello?name=Ada" in seen
    assert "Information: saying hello" in seen
    assert "return version 1" in seen


async def test_c_clears_the_screen(terminal: Screen) -> None:
    await terminal.press("h")
    await terminal.until("Clear the screen.")
    await cleared(terminal)
    assert [line for line in (await terminal.text()).splitlines() if line] == [HINT]


async def test_h_lists_the_keys(terminal: Screen) -> None:
    for key in ("h", "?"):
        await cleared(terminal)
        await terminal.press(key)
        seen = await terminal.until("Leave an empty line.")
        assert "  r      Reload the app, whatever has changed." in seen


async def test_o_says_so_when_there_is_no_browser(terminal: Screen) -> None:
    await terminal.press("o")
    await terminal.until(f"No browser could be opened; the address is {terminal.url}")


async def test_o_opens_a_browser(tmp_path: Path, app: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    async with screen(tmp_path) as terminal:
        await terminal.type(f"BROWSER={browser} {FUNCEMU} start {app} --port 0 --ephemeral")
        await terminal.until("Keys: ")
        await terminal.press("o")
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "opened").is_file():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        assert "No browser" not in await terminal.text()


@pytest.mark.parametrize("key", ["q", "C-c"])
async def test_q_and_ctrl_c_stop_and_leave_the_terminal_as_it_was(
    terminal: Screen, key: str
) -> None:
    running = await terminal.processes()
    assert len(running) >= 2
    await terminal.press(key)
    seen = await terminal.until_prompt()
    assert "^C" not in seen
    await terminal.type("echo ended with $?")
    await terminal.until("ended with 0")
    assert {"icanon", "echo"} <= set((await echoing(terminal)).split())
    assert not [pid for pid in running if lives(pid)]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


async def echoing(terminal: Screen) -> str:
    await terminal.type("clear; stty -a; echo done")
    await terminal.until("\ndone")
    return await terminal.text()


async def test_ctrl_z_gives_the_terminal_back_until_fg(terminal: Screen) -> None:
    await terminal.press("C-z")
    await terminal.until("Stopped")
    assert "icanon" in (await echoing(terminal)).split()
    await terminal.type("clear; fg")
    await terminal.press("r")
    await terminal.until("Reloaded 1 function in ")
    # Through the background, where it must not take the terminal from the shell.
    await terminal.press("C-z")
    await terminal.until("Stopped")
    await terminal.type("clear; bg")
    assert "icanon" in (await echoing(terminal)).split()
    assert await get(terminal, "/api/hello") == "version 1"
    await terminal.type("clear; fg")
    await asyncio.sleep(0.05)
    async with asyncio.timeout(PATIENCE):
        while "Keys: " not in await terminal.text():
            await terminal.press("c")
            await asyncio.sleep(0.05)


async def test_other_keys_change_nothing(terminal: Screen) -> None:
    await cleared(terminal)
    await terminal.press("x", "Up", "Down", "F5", "é", "C-d", "Tab")
    await terminal.tmux("set-buffer", "curl -q http://localhost/request")
    await terminal.tmux("paste-buffer", "-t", "t")
    # Together with what was pasted a key does not count as typed; on a busy machine that is long.
    for _ in range(50):
        await asyncio.sleep(0.05)
        await terminal.press("f")
        if "Functions:" in await terminal.text():
            break
    seen = await terminal.until("Functions:")
    assert seen.splitlines()[0].startswith("Keys: ")
    assert [line for line in seen.splitlines() if line.strip()][1] == "Functions:"


async def test_enter_leaves_an_empty_line(terminal: Screen) -> None:
    await cleared(terminal)
    await terminal.press("Enter", "f")
    seen = await terminal.until("Functions:")
    assert seen.splitlines()[1:4] == ["", "", "Functions:"]


async def test_a_broken_save_and_its_mend(app: Path, terminal: Screen) -> None:
    file = app / "function_app.py"
    file.write_text(APP + "\ndef broken(:\n")
    seen = await terminal.until("Not reloaded; generation 1 still answers until this is mended.")
    block = seen[seen.index("error: SyntaxError") :].splitlines()
    assert block[0] == "error: SyntaxError: invalid syntax [app-import-failed]"
    assert block[1] == "  at function_app.py:12:12"
    assert block[2:4] == ["  def broken(:", "             ^"]
    assert await get(terminal, "/api/hello") == "version 1"
    file.write_text(APP.replace("version 1", "version 2"))
    await terminal.until("Reloaded 1 function in ")
    assert await get(terminal, "/api/hello") == "version 2"


async def test_a_broken_start_is_announced_in_full_once_it_is_mended(
    tmp_path: Path, app: Path
) -> None:
    file = app / "function_app.py"
    file.write_text("raise RuntimeError('not yet')\n")
    async with serving_screen(tmp_path, app) as terminal:
        seen = await terminal.until("until this is mended.")
        assert "RuntimeError: not yet" in seen
        file.write_text(APP)
        seen = await terminal.until("Ready: 1 function in ")
        assert f"hello: [GET] {terminal.url}/api/hello" in seen


async def test_a_slow_import_shows_its_seconds_in_one_line(tmp_path: Path, app: Path) -> None:
    go_on = tmp_path / "go_on"
    waits = f"import os, time\nwhile not os.path.exists({str(go_on)!r}):\n    time.sleep(0.01)\n"
    (app / "function_app.py").write_text(waits + APP)
    async with screen(tmp_path) as terminal:
        await terminal.type(f"clear; {FUNCEMU} start {app} --port 0 --ephemeral")
        await terminal.until("Importing the app …")
        async with asyncio.timeout(PATIENCE):
            # A machine that stands still for longer may show none of these twice.
            while not re.search(r"^Importing the app … [2-9] s$", await terminal.text(), re.M):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        go_on.touch()
        seen = await terminal.until("Keys: ")
        assert "Importing" not in seen
        await terminal.press("q")
        await terminal.until_prompt()


async def test_plain_output_has_no_escapes_and_no_keys(tmp_path: Path, app: Path) -> None:
    recorded = tmp_path / "recorded"
    async with screen(tmp_path) as terminal:
        command = f"{FUNCEMU} start {app} --port 0 --ephemeral --output plain"
        await terminal.type(f"script -q -c '{command}' {recorded}")
        await terminal.until("Ready: ")
        await terminal.press("C-c")
        await terminal.until_prompt()
    text = recorded.read_text()
    assert "Ready: 1 function" in text
    assert "Keys:" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("variables", "arguments", "coloured"),
    [
        ({}, (), False),
        ({"FORCE_COLOR": "1"}, (), True),
        ({"NO_COLOR": "1"}, ("--output", "pretty"), True),
        ({"FORCE_COLOR": "1"}, ("--output", "plain"), False),
    ],
)
async def test_a_pipe_has_colours_when_asked_for(
    app: Path, tmp_path: Path, variables: dict[str, str], arguments: tuple[str, ...], coloured: bool
) -> None:
    log = tmp_path / "host.log"
    process = await asyncio.create_subprocess_exec(
        FUNCEMU, "start", app, "--port", "0", "--ephemeral", "--log-file", log, *arguments,
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        env=environment(variables),
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    async with asyncio.timeout(PATIENCE):
        while not lines or "Ready" not in lines[-1]:
            lines.append((await process.stdout.readline()).decode())
    process.terminate()
    assert await process.wait() == 0
    text = "".join(lines) + (await process.stdout.read()).decode()
    assert ("\x1b[" in text) is coloured
    assert "\x1b[2K" not in text
    assert "Keys:" not in text
    written = log.read_text("utf-8")
    assert "\x1b" not in written
    assert "Ready: 1 function" in written
    assert all(line[4:5] == "-" and line[13:14] == ":" for line in written.splitlines())
