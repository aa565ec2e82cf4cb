"""How official workers are started, and what is told when one cannot be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import WorkerStartError
from tests.support.rpcapps import a_worker, open_rpc, running


async def refused(root: Path, *does: str, **changes: Any) -> WorkerStartError:
    """Return why a worker did not start."""
    with pytest.raises(WorkerStartError) as raised:
        async with running(root, *does, **changes):
            pass
    return raised.value


async def test_the_worker_says_who_it_is(tmp_path: Path) -> None:
    async with running(tmp_path) as worker:
        info = worker.info
        assert (info.language, info.worker_version) == ("python", "1.2.3")
        assert info.version == "{}.{}.{}".format(*sys.version_info[:3])
        assert info.worker_directory == str(a_worker().directory)
        assert worker.channel.pids == (info.pid,)
        assert info.takes_binding_data


async def test_a_worker_that_never_connects_is_given_up(tmp_path: Path) -> None:
    error = await refused(tmp_path, "silence", startup_timeout=1.0)
    assert "did not connect within 1 s" in error.message
    assert str(a_worker().directory) in error.message


async def test_nobody_is_listened_to_but_the_worker(tmp_path: Path) -> None:
    error = await refused(tmp_path, "wrong id")
    assert "ended with exit code 1 before it was ready" in error.message  # it was turned away


async def test_a_worker_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    error = await refused(tmp_path, "no init", initialization_timeout=0.1)
    assert "did not answer within" in error.message


async def test_a_program_that_ends_at_once_tells_why(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text("import sys\nsys.exit('no such runtime')\n", "utf-8")
    error = await refused(tmp_path, worker_path=str(script))
    assert "ended with exit code 1 before it was ready:\nno such runtime" in error.message


async def test_a_worker_runs_in_the_folder_it_asks_for(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "worker.py").write_text("import os, sys\nsys.exit(os.getcwd())\n", "utf-8")
    error = await refused(tmp_path, worker_path=str(own / "worker.py"), folder=own)
    assert error.message.endswith(f"before it was ready:\n{own}")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError, match="cannot be started: /no/java"):
        open_rpc(tmp_path, lambda log: None, executable="/no/java")


def test_a_machine_with_too_many_open_files_is_told_as_the_reason(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, most[1]))
    try:
        with pytest.raises(WorkerStartError, match="nothing can connect to a worker"):
            open_rpc(tmp_path, lambda log: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)


async def test_a_worker_that_was_never_started_can_be_closed(tmp_path: Path) -> None:
    channel = open_rpc(tmp_path, lambda log: None)
    await channel.aclose(1)
    assert (await channel.closed).expected


async def test_a_worker_that_hangs_up_is_ended(tmp_path: Path) -> None:
    error = await refused(tmp_path, "hangs up", initialization_timeout=20.0)
    assert "was ended: it had closed its connection" in error.message
