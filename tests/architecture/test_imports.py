"""What is imported when: starting is fast because most things come late."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "openai", "azure", "numpy", "yaml", "rich", "watchfiles", "msgspec", "click")


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("emulator", set()),
        ("emulator.cli.main", {"click", "msgspec"}),
        ("emulator.cli.start", {"click", "msgspec"}),
        ("emulator.sdk", {"msgspec"}),
        ("emulator.server.app", {"aiohttp", "click", "msgspec"}),
        ("bindings.http", {"msgspec"}),
        ("bindings.openai.extension", {"msgspec"}),
        ("bindings.openai.assistants.post", {"msgspec"}),
    ],
)
def test_importing_brings_nothing_heavy_along(module: str, allowed: set[str]) -> None:
    code = f"import sys, {module}; print(*[n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= allowed


def test_nothing_happens_on_import() -> None:
    code = "import sys, emulator.assemble, bindings.openai; print(len(sys.argv))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("1", "")
