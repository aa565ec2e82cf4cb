"""Apps in JavaScript for tests, with the real `@azure/functions` from npm.

`python -m tests.support.node` installs it beforehand; without, the first test that needs it does.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path

from emulator.workers.channel import Interpreter
from emulator.workers.node import find_node
from tests.support import npm
from tests.support.workers import write

VERSION = "4.16.5"
OTHER_VERSIONS = ("4.0.0", "4.7.0")

_PROOF = Path("node_modules", "@azure", "functions", "package.json")

HEAD = """\
const { app, input, output, trigger } = require('@azure/functions');
const http = (name, handler, options) =>
  app.http(name, { name: 'req', authLevel: 'anonymous', ...options, handler });
"""


def install(version: str = VERSION) -> Path:
    """Return the folder `node_modules` with the library."""
    folder = npm.install("@azure/functions", version, folder="functions-node", proof=_PROOF)
    return folder / "node_modules"


def require() -> None:
    """Skip the test where Node.js is missing; where everything has to be tested, fail."""
    npm.require("an app in JavaScript")


def interpreter(root: Path, *arguments: str) -> Interpreter:
    found = find_node(root, os.environ)
    return Interpreter(found.executable, "the tests'", arguments, "node")


def with_packages(root: Path, version: str = VERSION) -> Path:
    """Give an app the library."""
    require()
    root.mkdir(parents=True, exist_ok=True)
    if not (root / "node_modules").exists():
        (root / "node_modules").symlink_to(install(version), target_is_directory=True)
    return root


def javascript(
    root: Path,
    code: str,
    files: Mapping[str, str] | None = None,
    *,
    version: str = VERSION,
    **package: object,
) -> Path:
    """Write an app of one file; `code` follows the import of the library and `http`."""
    with_packages(root, version)
    fields = {"main": "index.js", **package}
    write(root, {"package.json": json.dumps(fields), **(files or {})})
    (root / "index.js").write_text(HEAD + textwrap.dedent(code), encoding="utf-8")
    return root


if __name__ == "__main__":
    if npm.missing():
        print("There is no Node.js. Tests of apps in JavaScript are skipped.")
    else:
        for each in (VERSION, *OTHER_VERSIONS):
            print(f"@azure/functions {each} is in {install(each)}")
