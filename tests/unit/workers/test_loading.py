"""What is said of an app that takes long to load."""

from __future__ import annotations

import asyncio

import pytest

from emulator.workers import loading
from emulator.workers.channel import WorkerLog
from emulator.workers.loading import Loading
from tests.support.processes import until


async def test_it_is_told_again_and_again_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "LONG_LOAD", 0.01)
    told: list[WorkerLog] = []
    app = Loading(told.append)
    app.at("a.js")
    app.at("b.js")
    await until(lambda: len(told) > 1)
    app.at(None)
    count = len(told)
    await asyncio.sleep(0.03)
    assert len(told) == count
    assert [each.message for each in told[:2]] == [
        "The app is still being loaded after 0.01 s: it is at b.js",
        "The app is still being loaded after 0.02 s: it is at b.js",
    ]
