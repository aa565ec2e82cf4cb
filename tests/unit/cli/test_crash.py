"""A command that fails by a mistake of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CRASH = """
import sys
import click
import emulator.cli.main as main

@click.command()
@click.argument("words", nargs=-1)
@click.option("--key")
def bad(words, key):
    raise KeyError("no such planted-secret-0123\\nand more")

main.cli.add_command(bad, "bad")
sys.argv = ["funcemu", "bad", "word", "--key=planted-argument"]
main.main()
"""


def crashed(folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "TMPDIR": str(folder), "MY_SECRET": "planted-secret-0123"}
    command = [sys.executable, "-c", CRASH]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_a_crash_is_told_in_short_and_written_down(tmp_path: Path) -> None:
    done = crashed(tmp_path)
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    first, second = done.stderr.strip().splitlines()
    assert first == "funcemu itself failed: KeyError: 'no such *****\\nand more'"
    assert second.startswith("This is a mistake of funcemu, not of your app.")
    [report] = tmp_path.glob("funcemu-failure-*.txt")
    assert str(report) in second
    text = report.read_text("utf-8")
    assert re.match(r"funcemu \S+, Python 3\.\S+, .+\ncommand: funcemu bad --key\n", text)
    assert "in bad" in text
    assert "planted" not in text + done.stderr


def test_without_a_place_for_the_report_it_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    variables = {**os.environ, "TMPDIR": str(folder)}
    code = CRASH.replace(
        "main.main()",
        "import tempfile; tempfile.mkstemp = lambda **_: (_ for _ in ()).throw(OSError())\n"
        "main.main()",
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "Traceback (most recent call last):" in done.stderr
    assert "the lines above" in done.stderr
