"""A hundred small tests of an app with the pytest plugin: set-up, teardown, and the whole run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.table import Row, middle, percentile

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = 100

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


def measure(*, rounds: int, seconds: float) -> list[Row]:
    cases = {
        "no app": ("bench_hello", NOTHING, "inprocess"),
        "HTTP app": ("bench_hello", HELLO, "inprocess"),
        "assistant, a post each": ("assistant", ASSISTANT, "inprocess"),
        "HTTP app, subprocess": ("bench_hello", HELLO, "subprocess"),
    }
    with tempfile.TemporaryDirectory() as scratch:
        folders = {
            name: _project(Path(scratch, str(at)), app, test)
            for at, (name, (app, test, _)) in enumerate(cases.items())
        }
        for name, (_, _, channel) in cases.items():  # so that bytecode is there
            _run(folders[name], channel)
        runs: dict[str, list[tuple[float, list[list[float]]]]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, (_, _, channel) in cases.items():
                runs[name].append(_run(folders[name], channel))
    return [_row(name, runs[name]) for name in cases]


def _project(folder: Path, app: str, test: str) -> Path:
    source = ROOT / "fixtures" / (app if app == "assistant" else f"apps/{app}")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("tests", ".*", "__pycache__"))
    (folder / "pytest.ini").write_text(INI, "utf-8")
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    (folder / "test_it.py").write_text(test.format(count=TESTS), "utf-8")
    return folder


def _run(folder: Path, channel: str) -> tuple[float, list[list[float]]]:
    """Return the seconds of the whole run, and those of each set-up, call and teardown."""
    times = folder / "times"
    times.unlink(missing_ok=True)
    environment = {**os.environ, "TIMES": str(times)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    began = time.perf_counter()
    subprocess.run(
        [*command, f"--functions-channel={channel}"],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    took = time.perf_counter() - began
    found: dict[str, list[float]] = {"setup": [], "call": [], "teardown": []}
    for line in times.read_text("utf-8").splitlines():
        when, duration, outcome = json.loads(line)
        assert outcome == "passed", line
        found[when].append(duration)
    return took, [found["setup"], found["call"], found["teardown"]]


def _row(name: str, runs: list[tuple[float, list[list[float]]]]) -> Row:
    setups = [setup for _, (setup, _, _) in runs]
    later = [each for setup in setups for each in setup[1:]]
    return {
        f"{TESTS} tests of": name,
        "first set-up ms": middle([setup[0] for setup in setups]) * 1000,
        "set-up ms": middle(later) * 1000,
        "p90 ms": percentile(later, 0.9) * 1000,
        "call ms": middle([each for _, (_, call, _) in runs for each in call]) * 1000,
        "teardown ms": middle([each for _, (_, _, end) in runs for each in end]) * 1000,
        "tests s": middle([sum(map(sum, parts)) for _, parts in runs]),
        "pytest s": middle([took for took, _ in runs]),
    }
