"""The signals that end a host, from the moment there is something to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last one is Windows'


def ending_signals() -> Iterator[int]:
    """Yield those of them that this system has; not the one that `nohup` wants ignored."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is None:
            continue
        if name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN:
            yield number


class HeldSignals:
    """Keeps them until somebody can do something about them.

    Python turns Ctrl+C into an exception wherever it happens to be. While modules are imported
    that may be a place that cannot raise, and then nobody would ever hear of it.
    """

    def __init__(self) -> None:
        self.count = 0

    def hold(self) -> None:
        for number in ending_signals():
            signal.signal(number, self._keep)

    def release(self) -> None:
        """Let them end the process, as they do by themselves; those that were kept do so now."""
        for number in ending_signals():
            ends = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, ends)
        if self.count:
            raise KeyboardInterrupt

    def _keep(self, number: int, frame: object) -> None:
        self.count += 1
