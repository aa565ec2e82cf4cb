"""Where the process begins: before there is anything that Ctrl+C would have to end."""

from __future__ import annotations

import signal


def main() -> None:
    """Entry point of the console script."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # What comes next only imports, in places that cannot raise, too. The command that is run
        # has exceptions again (`LazyGroup`).
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from emulator.cli.main import main  # takes its time

    main()
