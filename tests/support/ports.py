"""Ports for what is told its port instead of choosing one."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """Return a port that nobody listens on.

    It is none of those that systems give away by themselves: between now and its use another
    process of the tests would otherwise be given the same one, now and then.
    """
    dice = random.SystemRandom()
    for _ in range(1000):
        port = dice.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("a thousand ports are taken")
