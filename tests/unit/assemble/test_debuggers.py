"""What the workers of an app are told of debuggers."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.assemble.debuggers import Debuggers
from emulator.config.options import Options
from emulator.workers.channel import Interpreter, RpcWorker

PYTHON = Interpreter(Path("python"), "the test's")
NODE = Interpreter(Path("node"), "the test's", (), "node")
WAITS = Options(debug=9000, debug_wait=True)


def python_app(root: Path) -> Path:
    (root / "function_app.py").touch()
    return root


def test_where_nobody_can_attach_nothing_is_offered(tmp_path: Path) -> None:
    debuggers = Debuggers(offered=False)
    assert debuggers.expect(WAITS, python_app(tmp_path), {}) == ()
    assert (debuggers.wanted, debuggers.expected) == (None, False)
    for worker in (PYTHON, NODE):
        assert debuggers.admitted(WAITS, worker, first=True)[1] is None
    assert not debuggers.inspected


def test_what_is_wanted_is_known_before_the_first_worker(tmp_path: Path) -> None:
    debuggers = Debuggers(offered=True)
    assert debuggers.expect(WAITS, python_app(tmp_path), {}) == ()
    assert debuggers.wanted is not None
    assert (debuggers.wanted.port, debuggers.wanted.debugging.wait) == (9000, True)
    assert debuggers.expected


@pytest.mark.parametrize("first", [True, False])
def test_only_the_first_worker_waits(first: bool) -> None:
    worker, debugging = Debuggers(offered=True).admitted(WAITS, PYTHON, first=first)
    assert debugging is not None
    assert debugging.wait is first
    assert worker.arguments == ("-Xfrozen_modules=off",)


def test_without_a_wish_a_worker_is_started_as_it_was_found(tmp_path: Path) -> None:
    debuggers = Debuggers(offered=True)
    debuggers.expect(Options(), python_app(tmp_path), {})
    for worker in (PYTHON, NODE):
        assert debuggers.admitted(Options(), worker, first=True) == (worker, None)
    assert not debuggers.expected


def test_node_has_a_port_of_its_own() -> None:
    debuggers = Debuggers(offered=True)
    worker, debugging = debuggers.admitted(Options(debug=9000), NODE, first=True)
    assert (worker.arguments, debugging) == (("--inspect=9000",), None)
    assert (debuggers.inspected, debuggers.wanted, debuggers.expected) == (True, None, True)


def test_an_official_worker_for_node_is_inspected_as_ours_is(tmp_path: Path) -> None:
    official = RpcWorker("node", tmp_path, "node", "worker.js", "the test's")
    waiting, _ = Debuggers(offered=True).admitted(WAITS, official, first=True)
    next_one, _ = Debuggers(offered=True).admitted(WAITS, official, first=False)
    assert isinstance(waiting, RpcWorker)
    assert isinstance(next_one, RpcWorker)
    assert waiting.worker_arguments == ("--inspect-wait=9000",)
    assert next_one.worker_arguments == ("--inspect=9000",)


@pytest.mark.parametrize(
    ("arguments", "inspected"),
    [("", False), ("-agentlib:jdwp=transport=dt_socket,server=y,address=5005", True)],
)
def test_our_options_do_nothing_for_other_official_workers(
    tmp_path: Path, arguments: str, inspected: bool
) -> None:
    variables = {
        "FUNCTIONS_WORKER_RUNTIME": "java",
        "languageWorkers__java__arguments": arguments,
    }
    (tmp_path / "pom.xml").touch()
    debuggers = Debuggers(offered=True)
    (problem,) = debuggers.expect(Options(debug=9000), tmp_path, variables)
    assert problem.code == "debugger-impossible"
    assert (debuggers.wanted, debuggers.inspected) == (None, inspected)
    assert debuggers.expect(Options(), tmp_path, variables) == ()
