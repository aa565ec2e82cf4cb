"""Where figures were measured: the machine and the versions, and nothing of the environment."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.bench.load import tool

LIBRARIES = (
    "funcemu",
    "aiohttp",
    "azure-functions",
    "functions-framework",
    "msgspec",
    "openai",
    "pytest",
    "starlette",
    "uvicorn",
    "uvloop",
    "watchfiles",
)

Machine = dict[str, str | int | float | dict[str, str]]


def describe() -> Machine:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "cores": os.cpu_count() or 0,
        "cpu": _cpu(),
        "memory GB": _memory(),
        "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else "",
        "python": platform.python_version(),
        "node": node_version(),
        "load generator": tool(),
        "pinned": "no process is pinned to a core",
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
    }


def node_version() -> str:
    if not shutil.which("node"):
        return ""
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip().removeprefix("v")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _memory() -> float:
    if not hasattr(os, "sysconf"):
        return 0.0
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
