"""Options to a running emulator: the only place that knows all the parts."""

from emulator.assemble.emulator import Emulator, site_policy
from emulator.assemble.engine import Engine, host_context
from emulator.assemble.starter import Starter

__all__ = ["Emulator", "Engine", "Starter", "host_context", "site_policy"]
