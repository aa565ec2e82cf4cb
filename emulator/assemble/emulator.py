"""A host on a socket, and what the options decide about its requests."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from emulator.assemble.addresses import shown
from emulator.assemble.engine import Engine
from emulator.assemble.starter import Starter
from emulator.clock import Clock
from emulator.events import GenerationReady
from emulator.runtime.launch import AppUnusable, Launch

if TYPE_CHECKING:
    from emulator.runtime.builder import Builder
    from emulator.server.policy import SitePolicy
    from emulator.workers.debugport import DebugPort


class Emulator:
    """A host on a socket, from options to the last line.

    `listening` is the socket to serve on, `first` the load already begun, `clock` another source
    of time for tests, `debugging` the socket for debuggers if they may attach.
    """

    def __init__(
        self,
        starter: Starter,
        listening: socket.socket,
        *,
        clock: Clock | None = None,
        debugging: socket.socket | None = None,
    ) -> None:
        from emulator.runtime.reloader import Reloader
        from emulator.server.app import Site

        options = starter.options
        self._engine = Engine(starter, clock=clock)
        self.events = self._engine.events
        self.clock = self._engine.clock
        self.context = self._engine.context
        self.host = self._engine.host
        self._policy = site_policy(starter)
        self._site = Site(self.host, self.events, self._policy)
        self._reloader = None
        if options.watch:
            self._reloader = Reloader(
                self.host,
                self.events,
                polling=options.poll,
                requirements_changed=self._forget_spare,
                builder=_builder(starter),
            )
        self._starter = starter
        self._listening = listening
        self._debug_port: DebugPort | None = None
        if debugging is not None:
            # Few debug, and a start of the host need not import it.
            from emulator.workers.debugport import DebugPort

            self._debug_port = DebugPort(debugging, self._debugged_port)
        address, port = listening.getsockname()[:2]
        self.port: int = port
        self.url = f"http://{shown(address)}:{port}"

    @property
    def debug_address(self) -> str:
        """Where debuggers attach; empty when they cannot."""
        wanted = self._starter.debuggers.wanted
        return "" if wanted is None else f"{wanted.host}:{wanted.port}"

    @property
    def waits_for_debugger(self) -> bool:
        """Whether the app is imported only when a debugger has attached."""
        wanted = self._starter.debuggers.wanted
        return wanted is not None and wanted.debugging.wait

    @property
    def worker_started(self) -> bool:
        """Whether the app's code was run at all, well or not."""
        return self._starter.latest is not None

    def notes(self) -> list[str]:
        """Return the lines for the start: what serves, and what callers have to know."""
        return [*self.context.banner(), *self._starter.notes, *self._policy.notes()]

    async def start(self, first: Launch | None = None) -> None:
        """Load the app and serve; returns once requests are answered.

        Raises `AppUnusable` when a strict host refuses the app: then nothing is served.
        """
        if self._debug_port is not None:
            port = self._debug_port
            await port.start()
            self.events.on(GenerationReady, lambda _: port.moved())
        await self._engine.start(first, url=self.url)
        if self._starter.options.strict and self.host.current is None:
            raise AppUnusable(self.host.failure)
        await self._site.start(self._listening)
        if self._reloader is not None:
            self._reloader.start()

    async def reload(self) -> None:
        """Load the app anew, with whatever packages are installed now."""
        self._forget_spare()
        if self._reloader is None:
            await self.host.reload()
        else:
            await self._reloader.reload()

    @property
    def calls_under_way(self) -> int:
        """How many calls of functions the end would wait for."""
        return len(self._starter.logs.running)

    async def aclose(self) -> None:
        """Let requests under way finish (bounded), then end everything."""
        if self._reloader is not None:
            await self._reloader.aclose()
        if self._debug_port is not None:
            await self._debug_port.aclose()
        await self._site.aclose()
        await self._engine.aclose()

    def _debugged_port(self) -> int | None:
        """Return where the debugger listens whose worker serves, or is to serve first."""
        from emulator.workers.supervisor import Supervisor

        current = self.host.current
        channel = self._starter.latest if current is None else current.channel
        return channel.debug_port if isinstance(channel, Supervisor) else None

    def _forget_spare(self) -> None:
        if self._starter.standby is not None:
            self._starter.standby.discard()


def _builder(starter: Starter) -> Builder | None:
    if starter.build_plan is None:
        return None
    # Few apps are compiled.
    from emulator.runtime.builder import Builder

    return Builder(starter.build_plan, starter.environ, starter.events)


def site_policy(starter: Starter) -> SitePolicy:
    """Return what the options decide about requests."""
    # As in `Engine`: the worker is already starting beside these imports.
    from emulator.server.cors import Cors
    from emulator.server.keys import KeyStore
    from emulator.server.policy import SitePolicy, body_limit

    options = starter.options
    return SitePolicy(
        keys=KeyStore(None if options.ephemeral else options.state_folder / "keys"),
        enable_auth=options.enable_auth,
        cors=Cors.of(options.cors, credentials=options.cors_credentials)
        or Cors.of_settings(starter.settings.get),
        body_limit=body_limit(starter.environ),
        served_as=frozenset({options.host.lower()}),
    )
