"""The sample app's own tests, as a project of a user: with the wheel, in a fresh environment."""

from __future__ import annotations

import importlib.util
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the files of this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [file] = target.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a new environment that has the wheel, and what it needs from here."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name == "posix")
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installer = [sys.executable, "-m", "pip", "--python", str(found), "install"]
    if importlib.util.find_spec("pip") is None:  # as in environments that uv has made
        installer = ["uv", "pip", "install", "--python", str(found)]
    command = [*installer, "--quiet", "--no-index", "--no-deps", str(wheel)]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    variables = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", variables))
    # A line of a .pth file is a folder to look in; .pth files in that folder do not count, so the
    # checkout this environment may point to stays out of sight.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()), "utf-8")
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(
        ROOT / "fixtures/assistant",
        tmp_path / "assistant",
        ignore=shutil.ignore_patterns("__pycache__", ".*"),
    )
    return tmp_path / "assistant"


def _run(python: Path, project: Path, *arguments: str) -> str:
    kept = {"PATH", "HOME", "TMPDIR", "TEMP", "SYSTEMROOT", "LANG"}
    environment = {name: os.environ[name] for name in kept & set(os.environ)}
    result = subprocess.run(
        [str(python), *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = result.stdout + result.stderr
    assert result.returncode == 0, told
    return told


def test_the_environment_has_the_wheel(python: Path, project: Path) -> None:
    code = "import bindings, emulator; print(emulator.__file__); print(bindings.__file__)"
    for place in _run(python, project, "-c", code).split():
        assert str(ROOT) not in place
        assert str(python.parents[1]) in place


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
def test_the_sample_apps_own_tests_pass(python: Path, project: Path, channel: str) -> None:
    told = _run(
        python, project, "-m", "pytest", "-p", "no:cacheprovider", f"--functions-channel={channel}"
    )
    assert "13 passed" in told
    assert "skipped" not in told
    left = {path.name for path in project.iterdir()} - {"__pycache__"}
    assert left == {path.name for path in (ROOT / "fixtures/assistant").iterdir()} - {
        "__pycache__",
        ".funcemu",
    }
