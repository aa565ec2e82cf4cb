"""The listening socket: taken before anything else, so that a busy port is told at once."""

from __future__ import annotations

import errno
import os
import socket

from emulator.errors import ConfigError


def listen(
    address: str,
    port: int,
    *,
    option: str = "--port [-p]",
    hint: str = "--port 0 takes any free port.",
) -> socket.socket:
    """Take `port` (0: any free one) on `address`; raise `ConfigError` when it is taken.

    `option` is what chooses another one, `hint` the last word about it.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # IPPROTO_TCP by name: asyncio turns Nagle off only for sockets that say so.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows the option would let two hosts share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(1024)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(
                f"No network interface of this machine has the address {address}.",
                hint="--address 127.0.0.1 serves this machine only, 0.0.0.0 every network.",
                code="option-invalid",
            ) from error
        from emulator.server.holder import holder_of  # nobody else needs it

        holder = holder_of(port) if error.errno == errno.EADDRINUSE else None
        reason = f"{error.strerror or error}{f' by {holder}' if holder else ''}"
        raise ConfigError(
            f"Port {port} is unavailable. Close the process using that port, or specify another "
            f"port using {option}.",
            hint=f"{address}:{port}: {reason}. {hint}",
            code="port-unavailable",
        ) from error
    return listening
