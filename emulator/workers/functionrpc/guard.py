"""Ends a worker and all it has started when the host is gone, however that ended.

Run as a script beside the worker: not all official workers notice that nobody is there any more.
"""

from __future__ import annotations

import os
import signal
import sys


def main(number: int) -> None:
    """Wait until the other end of standard input is closed, then end the group `number`."""
    while os.read(0, 64):
        pass
    if sys.platform == "win32":  # pragma: no cover - there is no Windows here
        os.kill(number, signal.SIGTERM)
    else:
        os.killpg(number, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
