"""An app that is loaded and callable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.assemble.starter import Starter
from emulator.clock import Clock, SystemClock
from emulator.events import GenerationReady, LogLine
from emulator.runtime.launch import Launch

if TYPE_CHECKING:
    from emulator.registry import BindingRegistry
    from emulator.runtime.services import HostContext
    from emulator.state.journal import Journal
    from emulator.state.presence import Presence


def host_context(
    starter: Starter, *, clock: Clock | None = None, makes_state: bool = True
) -> HostContext:
    """Return what bindings are lent for an app, with its state but without any configuration.

    Without `makes_state` only state that exists is on disk.
    """
    # As in `Engine`: the worker is already starting beside these imports.
    from emulator.runtime.services import HostContext
    from emulator.state.store import StateStore

    options = starter.options
    return HostContext(
        app_root=starter.root,
        clock=clock or SystemClock(),
        events=starter.events,
        state=StateStore(
            None if options.ephemeral else options.state_folder,
            makes=makes_state,
            tell=lambda text: starter.events.publish(LogLine("Warning", text, "Host")),
        ),
        flags={"models": options.models},
    )


class Engine:
    """An app loaded and callable, without a socket: what every surface is built on.

    `listens` says whether triggers that wait for something of their own are started; `clock` is
    another source of time for tests, `registry` one whose entry points were looked up before.
    """

    def __init__(
        self,
        starter: Starter,
        *,
        clock: Clock | None = None,
        listens: bool = True,
        registry: BindingRegistry | None = None,
    ) -> None:
        # These cost most of the start-up; the worker is already starting beside them.
        from emulator.registry import BindingRegistry
        from emulator.runtime.host import Host
        from emulator.state.journal import Journal
        from emulator.state.presence import Presence

        options = starter.options
        folder = None if options.ephemeral else options.state_folder
        self.events = starter.events
        self.context = host_context(starter, clock=clock)
        self.clock = self.context.clock
        self.host = Host(
            launch=starter.launch,
            registry=registry or BindingRegistry(),
            context=self.context,
            events=self.events,
            clock=self.clock,
            functions=options.functions,
            running=starter.logs.running,
            precedence="specificity" if options.route_precedence == "specificity" else "name",
            listens=listens,
            strict=options.strict,
            timeouts=not starter.debuggers.expected,
        )
        self._starter = starter
        self._journal: Journal | None = None
        self._presence: Presence | None = None
        self._known: set[tuple[str, str]] = set()
        """What bears secrets, of earlier loads as well: their calls may be yet to be recorded."""
        self.events.on(GenerationReady, self._learn)
        if folder is not None:
            self._journal = Journal(folder, self.events, self.clock, settings=self._known.copy)
            self._presence = Presence(folder)

    async def start(self, first: Launch | None = None, *, url: str = "") -> None:
        """Load the app; `url` is where it is served, for those who look."""
        if self._presence is not None:
            problem = self._presence.enter(url)
            if problem is not None:
                text = f"{problem.message} {problem.hint}"
                self.events.publish(LogLine("Warning", text, "Host"))
        await self.host.start(first)

    async def aclose(self) -> None:
        """Let running calls finish (bounded), then end everything."""
        await self.host.aclose()
        if self._starter.standby is not None:
            await self._starter.standby.aclose()
        if self._journal is not None:
            await self._journal.aclose()
        if self._presence is not None:
            self._presence.leave()

    def _learn(self, _: GenerationReady) -> None:
        self._known.update(self.context.named_texts())
