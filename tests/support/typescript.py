"""The TypeScript compiler for tests, from npm, beside the library for Node.js.

`python -m tests.support.typescript` installs it beforehand; without, the first test that needs it
does.
"""

from __future__ import annotations

from pathlib import Path

from tests.support import node, npm

VERSION = "7.0.2"
TYPES = "20.19.0"


def install() -> Path:
    """Return a folder `node_modules` with the compiler."""
    folder = npm.install(
        "typescript",
        VERSION,
        folder="typescript",
        proof=Path("node_modules", "typescript", "package.json"),
    )
    return folder / "node_modules"


def install_types() -> Path:
    """Return a folder `node_modules` with the types of Node.js."""
    folder = npm.install(
        "@types/node",
        TYPES,
        folder="types-node",
        proof=Path("node_modules", "@types", "node", "package.json"),
    )
    return folder / "node_modules"


def with_compiler(root: Path) -> Path:
    """Give an app what its package.json asks for: the library, the compiler, the types."""
    npm.require("an app in TypeScript")
    modules = root / "node_modules"
    (modules / ".bin").mkdir(parents=True)
    compiler = install()
    for name, found in {
        "@azure": node.install() / "@azure",
        "typescript": compiler / "typescript",
        "@types": install_types() / "@types",
        ".bin/tsc": compiler / ".bin" / "tsc",
    }.items():
        (modules / name).symlink_to(found)
    return root


if __name__ == "__main__":
    if npm.missing():
        print("There is no Node.js. Tests of apps in TypeScript are skipped.")
    else:
        print(f"TypeScript {VERSION} is in {install()}, its types in {install_types()}")
