"""Stacks of scripts, cut to what is the app's."""

from __future__ import annotations

from pathlib import Path

from emulator.workers.functionrpc.places import Places
from emulator.workers.functionrpc.scriptstacks import last_words, plain, shortened

PLACES = Places(Path("/workers/node"), Path("/app"))
CALLED = """TypeError: it broke
  told on two lines
    at inner (/app/src/shop.js:3:9)
    at async handler (file:///app/src/hello.mjs:5:78)
    at InvocationModel.<anonymous> (/app/node_modules/@azure/functions/dist/functions.js:220:46)
    at Generator.next (<anonymous>)
    at /app/node_modules/@azure/functions/dist/functions.js:121:71
    at new Promise (<anonymous>)
    at InvocationHandler.handleEvent (/workers/node/dist/src/worker-bundle.js:589:50)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)""".split("\n")


def test_the_app_s_frames_stay() -> None:
    assert shortened(CALLED, PLACES) == CALLED[:4]


def test_the_first_frame_stays_wherever_it_is() -> None:
    assert shortened([CALLED[0], *CALLED[4:]], PLACES) == [CALLED[0], CALLED[4]]


def test_the_worker_may_be_found_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    frames = [f"    at a ({tmp_path / each / 'worker.js'}:1:2)" for each in ("real", "link")]
    places = Places(tmp_path / "link", Path("/app"))
    assert shortened(["Error: no", *frames], places) == ["Error: no"]


def test_an_error_of_the_worker_s_own_has_no_frames() -> None:
    assert shortened([CALLED[0], *CALLED[8:]], PLACES) == [CALLED[0]]


def test_stacks_of_other_languages_stay_as_they_are() -> None:
    java = ["java.lang.Error: no", "\tat com.x.Function.run(Function.java:20)"]
    assert shortened(java, PLACES) == java
    net = ["   at Shop.Run() in C:\\app\\Shop.cs:line 7"]
    assert shortened(net, PLACES) == net


def test_a_function_that_cannot_be_loaded_says_why() -> None:
    message = "Worker was unable to load function bad: 'Unable to determine: 'run' or 'index'.'"
    assert plain(message, PLACES, None) == "Unable to determine: 'run' or 'index'."
    assert plain("it broke", PLACES, None) == "it broke"


def test_an_exception_nobody_caught_is_told_as_one() -> None:
    told = "    ".join(
        ["Error: later boom", "at <place>", "at listOnTimeout (node:internal/timers:5:1)"]
    )
    told = told.replace("<place>", "Timeout._onTimeout (/app/src/hello.js:41:95)")
    uncaught = "Worker uncaught exception (learn more: https://example.org/?id=2 ): "
    lines = ["an older line", f"LanguageWorkerConsoleLog[error] {uncaught}{told}", "and the end"]
    assert last_words(lines, PLACES) == [
        "Error: later boom",
        "    at Timeout._onTimeout (/app/src/hello.js:41:95)",
        "and the end",
    ]


def test_other_last_words_lose_their_mark_at_most() -> None:
    lines = ["about to exit", "languageworkerconsolelog it ends"]
    assert last_words(lines, PLACES) == ["about to exit", "it ends"]
