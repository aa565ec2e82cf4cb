"""The examples of the README's chapter on tests, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
CHAPTER = "## Testing your app\n"
_BLOCK = re.compile(r"```(?:python|ini)\n# (\S+)\n(.*?)```", re.DOTALL)


def examples() -> dict[str, dict[str, str]]:
    """Return the files of each part of the chapter, by its heading."""
    chapter = README.read_text("utf-8").partition(CHAPTER)[2].partition("\n## ")[0]
    common, *parts = chapter.split("\n### ")
    shared = dict(_BLOCK.findall(common))
    found = {part.partition("\n")[0]: dict(_BLOCK.findall(part)) for part in parts}
    return {name: {**shared, **files} for name, files in found.items() if files}


def test_the_chapter_has_three_examples() -> None:
    assert list(examples()) == ["An HTTP function", "An assistant", "Without pytest"]
    for name, files in examples().items():
        assert "pytest.ini" in files
        assert {"function_app.py"} < set(files), name


@pytest.mark.parametrize("channel", ["inprocess", "subprocess"])
@pytest.mark.parametrize("name", ["An HTTP function", "An assistant"])
def test_an_example_passes(pytester: pytest.Pytester, name: str, channel: str) -> None:
    from tests.support.testing import output, run

    _write(pytester.path, examples()[name])
    result = run(pytester, f"--functions-channel={channel}")
    assert result.parseoutcomes() == {"passed": 5}, output(result)


def test_the_example_without_pytest_passes(tmp_path: Path) -> None:
    _write(tmp_path, examples()["Without pytest"])
    result = subprocess.run(
        [sys.executable, "-W", "error", "test_add.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(README.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Ran 3 tests" in result.stderr


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in {"host.json": '{"version": "2.0"}', **files}.items():
        (folder / name).write_text(text, "utf-8")
