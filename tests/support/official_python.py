"""Azure's own workers for Python, as far as PyPI has them: installed once, beside the tests.

`python -m tests.support.official_python` installs them beforehand; without, the first test that
needs one does.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_ROOT = Path(__file__).resolve().parent.parent.parent
_PLACE = (Path(sys.prefix) if sys.prefix != sys.base_prefix else _ROOT / ".venv") / "workers"


class Package(NamedTuple):
    """What is installed for one worker, and the Pythons it works with."""

    name: str
    requirements: Sequence[str]
    versions: Sequence[str]


WORKER = Package(
    "azure-functions-worker-1.1.9",
    ("azure-functions-worker==1.1.9", "azure-functions==1.21.3", "setuptools<70"),
    ("3.9", "3.8"),
)
"""Speaks gRPC itself; for apps with function.json."""
RUNTIME = Package(
    "azure-functions-runtime-1.3.0",
    ("azure-functions-runtime==1.3.0", "grpclib>=0.4.7", "protobuf>=5.26"),
    ("3.13", "3.14"),
)
"""What today's worker runs apps with; for apps in the decorator model."""

_WORKER_SCRIPT = '''\
"""Starts the official worker, whose version of that day takes one spelling of its arguments."""

import os
import sys

from azure_functions_worker.main import main

sys.path.insert(0, os.environ["AzureWebJobsScriptRoot"])
given = sys.argv[1:]
pairs = [pair for pair in zip(given[::2], given[1::2]) if not pair[0].startswith("--functions-")]
sys.argv[1:] = [word for pair in pairs for word in pair]
main()
'''
_DESCRIBE = """\
import json
from azure_functions_worker.protos import FunctionRpc_pb2 as rpc

TYPES = {5: "int32", 1: "double", 3: "int64", 8: "bool", 9: "string", 12: "bytes", 18: "sint64"}
messages, enums = {}, {}

def walk(message):
    messages[message.full_name] = [
        [
            field.name,
            field.number,
            field.message_type.full_name if field.message_type
            else field.enum_type.full_name if field.enum_type else TYPES[field.type],
            field.label == field.LABEL_REPEATED,
            field.containing_oneof.name if field.containing_oneof else "",
        ]
        for field in message.fields
    ]
    for enum in message.enum_types:
        enums[enum.full_name] = {each.name: each.number for each in enum.values}
    for nested in message.nested_types:
        walk(nested)

for file in (rpc.DESCRIPTOR, *rpc.DESCRIPTOR.dependencies):
    if not file.package.startswith("google"):
        for message in file.message_types_by_name.values():
            walk(message)
(service,) = rpc.DESCRIPTOR.services_by_name.values()
(method,) = service.methods
print(json.dumps({
    "messages": messages, "enums": enums, "method": f"/{service.full_name}/{method.name}",
}))
"""


def worker_folder(package: Package) -> Path:
    """Return the folder of an official worker, with its `worker.config.json`; skip without one."""
    python = _installed(package)
    folder = python.parents[2] / "python"
    script = _WORKER_SCRIPT
    if package is RUNTIME:
        script = (Path(__file__).parent / "official_runtime.py").read_text("utf-8")
        script = script.replace("@ROOT@", str(_ROOT))
    description = {
        "language": "python",
        "extensions": [".py"],
        "defaultExecutablePath": str(python),
        "defaultWorkerPath": "worker.py",
        "workerIndexing": "true" if package is RUNTIME else "false",
    }
    folder.mkdir(exist_ok=True)
    _write(folder / "worker.py", script)
    _write(folder / "worker.config.json", json.dumps({"description": description}))
    return folder


def _write(path: Path, text: str) -> None:
    """Write a file that another process may be reading."""
    if not path.is_file() or path.read_text("utf-8") != text:
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(text, "utf-8")
        fresh.replace(path)


@functools.cache
def described() -> Any:
    """Return what the official package says of the protocol's messages."""
    done = subprocess.run(
        [_installed(WORKER), "-c", _DESCRIBE], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def _installed(package: Package) -> Path:
    """Return the interpreter that has the package; one process at a time installs it."""
    folder = _PLACE / package.name
    python = folder / "venv" / "bin" / "python"
    if (folder / "complete").is_file():
        return python
    base = _python(package)
    _PLACE.mkdir(parents=True, exist_ok=True)
    with (_PLACE / "lock").open("w") as lock:
        _lock(lock.fileno())
        if not (folder / "complete").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([base, "-m", "venv", folder / "venv"], check=True)
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run(
                [*command, *package.requirements], capture_output=True, text=True, check=False
            )
            if done.returncode:
                shutil.rmtree(folder, ignore_errors=True)
                pytest.skip(f"{package.name} cannot be installed here: {done.stderr[-300:]}")
            (folder / "complete").touch()
    return python


def _python(package: Package) -> str:
    """Return a Python the package works with; skip where there is none."""
    for version in package.versions:
        found = shutil.which(f"python{version}")
        if found is not None and _works(found):
            return found
        homes = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        if homes:
            return str(homes[-1])
    versions = " or ".join(package.versions)
    pytest.skip(f"{package.name} needs Python {versions}: install one to run this test")


def _works(python: str) -> bool:
    """Whether it is more than a shim of a version that is not there."""
    done = subprocess.run([python, "-c", "import venv"], capture_output=True, check=False)
    return done.returncode == 0


def _lock(descriptor: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def settings(package: Package) -> dict[str, str]:
    """Return the settings by which an app is run by that worker."""
    return {"languageWorkers__python__workerDirectory": str(worker_folder(package))}


if __name__ == "__main__":
    os.environ.setdefault("PYTEST_VERSION", "")
    for each in (WORKER, RUNTIME):
        try:
            print(f"{each.name} is in {worker_folder(each)}")
        except pytest.skip.Exception as reason:
            print(f"{each.name} is not installed: {reason}")
