"""The real Azurite for tests: its table service, from npm, on a free port.

`python -m tests.support.azurite` installs it beforehand; without, the first test that needs it
does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import npm
from tests.support.patience import PATIENCE
from tests.support.ports import free_port

VERSION = "3.35.0"

# Any key will do; the second account is for tests of accounts that do not know each other.
ACCOUNT, OTHER_ACCOUNT = "devstoreaccount1", "otheraccount1"
KEY = "ZnVuY2VtdQ=="

_MAIN = Path("node_modules", "azurite", "dist", "src", "table", "main.js")


class Azurite:
    """One table service. With a folder it keeps its tables there over a restart."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def connection_string(self, account: str = ACCOUNT, *, port: int | None = None) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={KEY};"
            f"TableEndpoint=http://127.0.0.1:{port or self.port}/{account};"
        )

    def start(self) -> None:
        """Start, on the port of before where there was one."""
        for attempt in range(5):
            port = self.port or free_port()
            try:
                self._start(port)
            except OSError:
                if attempt == 4:
                    raise
            else:
                self.port = port
                return

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # What it keeps is written on this signal only.
        process.send_signal(signal.SIGINT if self._folder else signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self, port: int) -> None:
        kept = ["--location", str(self._folder)] if self._folder else ["--inMemoryPersistence"]
        command = [
            str(shutil.which("node")), str(install() / _MAIN),
            "--tableHost", "127.0.0.1", "--tablePort", str(port),
            "--silent", "--disableTelemetry", "--skipApiVersionCheck", *kept,
        ]  # fmt: skip
        accounts = ";".join(f"{name}:{KEY}" for name in (ACCOUNT, OTHER_ACCOUNT))
        with tempfile.TemporaryFile() as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "AZURITE_ACCOUNTS": accounts},
            )
            deadline = time.monotonic() + PATIENCE
            while True:
                output.seek(0)
                said = output.read()
                if b"successfully" in said:
                    return
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise OSError(f"Azurite did not start: {said.decode('utf-8', 'replace')}")
                time.sleep(0.02)


@contextlib.contextmanager
def running(folder: Path | None = None) -> Iterator[Azurite]:
    """Run an Azurite, or skip the test where there is no Node.js to run it."""
    require()
    azurite = Azurite(folder)
    azurite.start()
    try:
        yield azurite
    finally:
        azurite.stop()


def require() -> None:
    """Skip the test where Node.js is missing; where everything has to be tested, fail."""
    npm.require("Azurite")


def install() -> Path:
    """Return the folder Azurite is installed in."""
    return npm.install("azurite", VERSION, folder="azurite", proof=_MAIN)


if __name__ == "__main__":
    if not npm.missing():
        print(f"Azurite {VERSION} is in {install()}")
    else:
        print("Azurite is not installed: there is no Node.js. Tests that need it are skipped.")
