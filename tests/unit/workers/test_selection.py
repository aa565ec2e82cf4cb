"""Which worker runs an app."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from emulator.workers.channel import Interpreter, RpcWorker
from emulator.workers.selection import find_worker


@pytest.mark.parametrize("place", ["~/workers", "workers", "{home}/workers"])
def test_an_official_worker_serves_where_a_setting_names_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "workers" / "python"
    folder.mkdir(parents=True)
    description = {
        "language": "python",
        "defaultExecutablePath": sys.executable,
        "defaultWorkerPath": "worker.py",
    }
    (folder / "worker.py").touch()
    (folder / "worker.config.json").write_text(json.dumps({"description": description}), "utf-8")
    named = {"languageWorkers__workersDirectory": place.format(home=tmp_path)}
    assert isinstance(find_worker(tmp_path, named), RpcWorker)
    assert isinstance(find_worker(tmp_path, {}), Interpreter)
