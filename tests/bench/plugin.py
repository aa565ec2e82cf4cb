"""A hundred small tests of an app with the pytest plugin: set-up, teardown, and the whole run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figures import (
    Budget,
    Outcomes,
    Row,
    Settings,
    finished,
    interleave,
    middle,
    percentile,
)
from tests.bench.server import ROOT, environment

TITLE = "tests of an app with the pytest plugin"
BUDGETS = (Budget("first set-up ms", 80), Budget("set-up ms", 15))
"""In process; a worker process has its own price."""

INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
CONFTEST = """
import json, os

def pytest_runtest_logreport(report):
    with open(os.environ["TIMES"], "a") as file:
        file.write(json.dumps([report.when, report.duration, report.outcome]) + "\\n")
"""
NOTHING = (
    "import pytest\n@pytest.mark.parametrize('n', range({count}))\nasync def test_it(n): pass\n"
)
HELLO = """
import pytest

@pytest.mark.parametrize("n", range({count}))
async def test_it(functions_app, n):
    answer = await functions_app.get("/api/hello")
    assert answer.status == 200
"""
ASSISTANT = """
import pytest

@pytest.mark.parametrize("n", range({count}))
async def test_it(functions_app, models, n):
    models.on("hi").says("Hello.")
    await functions_app.put("/api/assistants/a1")
    answer = await functions_app.post("/api/assistants/a1", params={{"message": "Hi"}})
    assert await answer.text() == "Hello."
"""


CASES = {
    "100 without an app": ("bench_hello", NOTHING, "inprocess", 100),
    "100 of an HTTP app": ("bench_hello", HELLO, "inprocess", 100),
    "100 of an assistant, a post each": ("assistant", ASSISTANT, "inprocess", 100),
    "25 of an HTTP app, subprocess": ("bench_hello", HELLO, "subprocess", 25),
}

Run = tuple[float, list[list[float]]]
"""The seconds of the whole run, and those of each set-up, call and teardown."""


def measure(settings: Settings) -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        folders = {
            name: _project(Path(scratch, str(at)), app, test.format(count=count))
            for at, (name, (app, test, _, count)) in enumerate(CASES.items())
        }

        def once(name: str) -> Run:
            return _run(folders[name], CASES[name][2])

        interleave(list(CASES), 1, once)  # so that bytecode is there
        outcomes = interleave(list(CASES), settings.rounds, once)
    return [_row(name, own) for name, own in outcomes.items()]


def _project(folder: Path, app: str, test: str) -> Path:
    source = ROOT / "fixtures" / (app if app == "assistant" else f"apps/{app}")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("tests", ".*", "__pycache__"))
    (folder / "pytest.ini").write_text(INI, "utf-8")
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    (folder / "test_it.py").write_text(test, "utf-8")
    return folder


def _run(folder: Path, channel: str) -> Run:
    times = folder / "times"
    times.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    began = time.perf_counter()
    subprocess.run(
        [*command, f"--functions-channel={channel}"],
        cwd=folder,
        env=environment({"TIMES": str(times)}),
        check=True,
        capture_output=True,
    )
    took = time.perf_counter() - began
    found: dict[str, list[float]] = {"setup": [], "call": [], "teardown": []}
    for line in times.read_text("utf-8").splitlines():
        when, duration, outcome = json.loads(line)
        assert outcome == "passed", line
        found[when].append(duration)
    return took, [found["setup"], found["call"], found["teardown"]]


def _row(name: str, own: Outcomes[Run]) -> Row:
    row: Row = {"what": name}
    if own.good:
        setups = [setup for _, (setup, _, _) in own.good]
        later = [each for setup in setups for each in setup[1:]]
        row |= {
            "first set-up ms": middle([setup[0] for setup in setups]) * 1000,
            "set-up ms": middle(later) * 1000,
            "p90 ms": percentile(later, 0.9) * 1000,
            "call ms": middle([each for _, (_, call, _) in own.good for each in call]) * 1000,
            "teardown ms": middle([each for _, (_, _, end) in own.good for each in end]) * 1000,
            "pytest s": middle([took for took, _ in own.good]),
        }
    return finished(row, *(BUDGETS if "subprocess" not in name else ()), note=own.note)
