"""What somebody does first with an installed funcemu: `python smoke.py` in an empty folder.

Knows the standard library only, for it is run by the Python of other environments. The `funcemu`
beside that Python is used.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

FUNCEMU = Path(sys.executable).parent / "funcemu"

TEST = """
import pytest

async def test_it(functions_app, models):
    assert (await functions_app.get("/api/hello?name=Ada")).status == 200
    models.on("milk").calls("{skill}", "milk").then_says("noted")
    assert (await functions_app.put("/api/assistant/a1")).status == 202
    answer = await functions_app.post("/api/assistant/a1?message=buy%20milk")
    assert await answer.text() == "noted"
"""


def main() -> None:
    print(_done(FUNCEMU, "--version").strip())
    _done(FUNCEMU, "init", "app")
    _done(FUNCEMU, "new", "assistant", "app", "--template", "assistant")
    app = Path("app").resolve()
    _serve(app)
    [skill] = re.findall(r"def (\w*[Aa]dd\w*)\(", (app / "function_app.py").read_text("utf-8"))
    (app / "test_app.py").write_text(TEST.replace("{skill}", skill), "utf-8")
    (app / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", "utf-8")
    told = _done(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", app, cwd=app)
    assert "1 passed" in told, told
    print("It starts, answers, and tests apps.")


def _serve(app: Path) -> None:
    """Start the app, talk to it and its assistant, and stop it."""
    command = [FUNCEMU, "start", app, "--port", "0", "--output", "plain"]
    host = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    )
    told = []
    try:
        assert host.stdout is not None
        for line in host.stdout:
            told.append(line)
            found = re.search(r"Ready.*(http://localhost:\d+)", line)
            if found:
                break
        else:
            raise SystemExit(f"It did not start:\n{''.join(told)}")
        url = found[1]
        assert _asked(f"{url}/api/hello?name=Ada") == "Hello, Ada!"
        _asked(f"{url}/api/assistant/a1", "PUT")
        _asked(f"{url}/api/assistant/a1?message=Remind%20me%20to%20call%20my%20dad", "POST")
        listed = _asked(f"{url}/api/assistant/a1?message=What%20do%20I%20need%20to%20do?", "POST")
        assert "call my dad" in listed, listed
    finally:
        host.send_signal(signal.SIGINT)
        rest, _ = host.communicate(timeout=40)
    assert host.returncode == 0, "".join(told) + rest


def _asked(url: str, method: str = "GET") -> str:
    data = b"" if method == "POST" else None
    request = urllib.request.Request(url, method=method, data=data)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {url} → {error.code} {error.read()!r}") from error


def _done(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
