"""The signals that end a host."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from emulator.cli.signals import HeldSignals, ending_signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.fixture(autouse=True)
def as_they_were() -> Iterator[None]:
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_terminal_that_is_closed_ends_the_host_unless_that_is_to_be_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert list(ending_signals()) == [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    assert list(ending_signals()) == [signal.SIGINT, signal.SIGTERM]


def test_held_signals_are_counted_and_end_the_process_once_they_are_released() -> None:
    held = HeldSignals()
    held.hold()
    os.kill(os.getpid(), signal.SIGTERM)
    assert held.count == 1
    with pytest.raises(KeyboardInterrupt):
        held.release()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
