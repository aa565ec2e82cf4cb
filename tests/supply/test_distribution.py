"""What is shipped: complete, nothing beside it, the same from the tree and from the sdist."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.installed import ROOT, build, python, run, wheel

__all__ = ["python", "wheel"]  # fixtures

CODE = ("emulator", "bindings")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_of_the_sdist_is_that_of_the_tree(
    wheel: Path, sdist: Path, tmp_path: Path
) -> None:
    with tarfile.open(sdist) as archive:
        # Python 3.11.2 has none, 3.12 warns without.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)
    [unpacked] = tmp_path.iterdir()
    again = build("wheel", unpacked, tmp_path / "built")
    assert again.name == wheel.name
    ours, theirs = _contents(wheel), _contents(again)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_the_wheel_has_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    known = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *CODE]
    listed = subprocess.run(known, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no checkout")
    tree = {name for name in listed.stdout.split() if (ROOT / name).is_file()}
    assert {name for name in _contents(wheel) if ".dist-info/" not in name} == tree


def test_what_is_no_code_is_in_the_wheel_as_well(wheel: Path) -> None:
    names = set(_contents(wheel))
    assert names >= {
        "emulator/py.typed",
        "bindings/py.typed",
        "emulator/cli/codes.md",
        "bindings/openai/codes.md",
        "emulator/workers/pyworker/__main__.py",
        "emulator/scaffold/templates/http/v2/function_app.py",
        "bindings/openai/templates/assistant/v1/NAME_post/function.json",
    }
    for folder in ("emulator/workers/nodeworker", "emulator/scaffold/templates"):
        files = [path for path in (ROOT / folder).rglob("*") if path.suffix in {".cjs", ".mjs"}]
        assert {path.relative_to(ROOT).as_posix() for path in files} <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".pyc", ".db")) or "test_" in name]
    assert not [name for name in names if name.split("/")[0] in {"tests", "fixtures"}]


def test_the_sdist_has_what_a_packager_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "tests/check.py",
        "fixtures/assistant/function_app.py", "fixtures/assistant/local.settings.json",
    }  # fmt: skip
    assert not [name for name in names if ".funcemu" in name or name.endswith(".pyc")]


def test_what_is_installed_serves_an_app_and_tests_it(python: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests/support/smoke.py", tmp_path)
    told = run(python, tmp_path, "smoke.py")
    assert "It starts, answers, and tests apps." in told


PROGRAM = '''
"""What a user writes: tests of an app, and a binding."""

import pytest

from emulator import Problem
from emulator.sdk import Call, Datum, Input, Options, Resolved
from emulator.testing import BlockingApp, EmulatedApp


class GreetingOptions(Options, frozen=True):
    person: Resolved
    salutation: str = "Hello"


class Greeting(Input[GreetingOptions]):
    type_name = "greeting"
    summary = "Delivers a greeting."
    options_type = GreetingOptions

    async def read(self, call: Call) -> Datum:
        return Datum("text", f"{call.options.salutation} {call.options.person}")


async def test_hello(functions_app: EmulatedApp) -> None:
    answer = await functions_app.get("/api/hello", params={"name": "Ada"})
    reveal_type(answer.status)
    assert await answer.text() == "Hello"


def test_blocking(functions_app: BlockingApp) -> None:
    reveal_type(functions_app.get("/api/hello").text())
    with functions_app.expect_failure("hello") as failed:
        functions_app.get("/api/hello")
    reveal_type(failed[0].function)


def told(problem: Problem) -> str:
    return problem.message
'''


def test_users_get_types(python: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")
    cache = ROOT / ".mypy_cache" / "installed"
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    done = subprocess.run(
        [*command, "--config-file=", "--cache-dir", str(cache), str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.partition('"')[2] for line in done.stdout.splitlines() if "Revealed" in line] == [
        'int"', 'str"', 'str"',
    ]  # fmt: skip
