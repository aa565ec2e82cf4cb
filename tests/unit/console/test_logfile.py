"""The lines of the console in a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.clock import ManualClock
from emulator.console.logfile import LogFile, open_log_file
from emulator.errors import ConfigError
from emulator.events import EventBus, LogLine, RequestServed

SERVED = RequestServed("GET", "/api/f", 200, 0.0123, "f")


def test_lines_are_added_with_their_date_and_without_colours(tmp_path: Path) -> None:
    path = tmp_path / "host.log"
    path.write_text("from before\n")
    events, log_file = attached(path)
    stamp = log_file._clock.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    log_file.write(["Functions:", "", "\thello: [GET]"])
    events.publish(SERVED)
    log_file.close()
    assert path.read_text("utf-8").splitlines() == [
        "from before",
        f"{stamp} Functions:",
        f"{stamp} \thello: [GET]",
        f"{stamp} GET /api/f → 200 (12 ms)  f",
    ]


def test_half_a_character_is_escaped(tmp_path: Path) -> None:
    events, log_file = attached(tmp_path / "host.log")
    events.publish(LogLine("Information", "half \ud83d", "Function.f.User"))
    log_file.close()
    assert "half \\ud83d" in (tmp_path / "host.log").read_text("utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_told_once_and_ends_the_file() -> None:
    events, log_file = attached(Path("/dev/full"))
    told: list[LogLine] = []
    events.on(LogLine, told.append)
    for _ in range(3):
        events.publish(SERVED)
        log_file.flush()
    log_file.close()
    assert [each.message for each in told] == [
        "The log file /dev/full can no longer be written (No space left on device). It ends here."
    ]
    assert told[0].level == "Warning"


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory") as caught:
        open_log_file(tmp_path / "none" / "host.log")
    assert caught.value.code == "log-file-unusable"


def attached(path: Path) -> tuple[EventBus, LogFile]:
    events = EventBus()
    clock = ManualClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    log_file = LogFile(stream=open_log_file(path), path=path, clock=clock, verbose=False)
    log_file.attach(events)
    return events, log_file
