"""What the start says about who runs the app."""

from __future__ import annotations

import pytest

from emulator.console.banner import runtime_line
from emulator.workers.channel import WorkerInfo


@pytest.mark.parametrize(
    ("worker", "line"),
    [
        (
            WorkerInfo("python", "3.11.2", "/venv/bin/python", "1.26.0", 1),
            "Python 3.11.2 (/venv/bin/python, azure-functions 1.26.0)",
        ),
        (
            WorkerInfo("node", "20.20.2", "/usr/bin/node", "4.16.5", 1),
            "Node.js 20.20.2 (/usr/bin/node, @azure/functions 4.16.5)",
        ),
        (
            WorkerInfo("node", "20.20.2", "/usr/bin/node", None, 1),
            "Node.js 20.20.2 (/usr/bin/node)",
        ),
        (WorkerInfo("java", "17", "/usr/bin/java", None, 1), "Java 17 (/usr/bin/java)"),
        (WorkerInfo("powershell", "", "dotnet", None, 1), "PowerShell (dotnet)"),
    ],
)
def test_what_runs_the_app_is_told(worker: WorkerInfo, line: str) -> None:
    assert runtime_line(worker) == line
