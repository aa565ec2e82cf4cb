"""The distribution as users get it: built, and installed into an environment of its own."""

from __future__ import annotations

import importlib.util
import os
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
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


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


def build(kind: str, source: Path, target: Path) -> Path:
    """Build a `wheel` or an `sdist` from a folder; return the file."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [file] = target.iterdir()
    return file


def run(python: Path, folder: Path, *arguments: str) -> str:
    """Run the Python of an environment in a folder, as at a shell; return what it printed."""
    kept = {"PATH", "HOME", "TMPDIR", "TEMP", "SYSTEMROOT", "LANG"}
    environment = {name: os.environ[name] for name in kept & set(os.environ)}
    result = subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = result.stdout + result.stderr
    assert result.returncode == 0, told
    return told
