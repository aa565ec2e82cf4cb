"""What the bindings of this package share: chats, models, and whose turn it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from bindings.openai.chats.base import ChatStore
from bindings.openai.chats.stores import ChatStores, Storage
from bindings.openai.clients import LOG_CATEGORY, ModelClients
from bindings.openai.connections import unused_section
from bindings.openai.identity import Credentials
from bindings.openai.turns import Turns
from bindings.openai.vectors.stores import VectorStores
from emulator.sdk import (
    Binding,
    BindingError,
    Extension,
    Finding,
    HostServices,
    HttpRequestData,
    HttpResponseData,
    SettingsView,
    StreamedResponse,
)

if TYPE_CHECKING:
    from bindings.openai.serving.endpoint import ModelEndpoint


class OpenAIExtension(Extension):
    """Lives with the host, so chats and clients survive reloads."""

    log_category = LOG_CATEGORY

    def __init__(self, host: HostServices) -> None:
        super().__init__(host)
        self.credentials = Credentials(self._warn)
        self.models = ModelClients(host, self.credentials)
        self.chats = ChatStores(host, self.credentials)
        self.turns = Turns()
        self._endpoint: ModelEndpoint | None = None
        self.vectors = VectorStores(host, self.credentials)
        # Weak: a reload leaves only the bindings of the app that now serves.
        self._connections: WeakKeyDictionary[Binding, str] = WeakKeyDictionary()  # type: ignore[type-arg]  # any options
        self._storages: WeakKeyDictionary[Binding, str | None] = WeakKeyDictionary()  # type: ignore[type-arg]  # any options
        self._searches: WeakKeyDictionary[Binding, str] = WeakKeyDictionary()  # type: ignore[type-arg]  # any options

    def uses_connection(self, binding: Binding, name: str) -> None:  # type: ignore[type-arg]  # any options
        """Take note of a model connection an app wants, for the banner."""
        self._connections[binding] = name

    def uses_search(self, binding: Binding, name: str) -> None:  # type: ignore[type-arg]  # any options
        """Take note of a search connection an app wants, for the banner."""
        self._searches[binding] = name

    def uses_storage(self, binding: Binding, connection: str | None) -> None:  # type: ignore[type-arg]  # any options
        """Take note of a chat storage an app wants, for the banner."""
        if "%" not in (connection or ""):  # the name of the setting is itself a setting
            self._storages[binding] = connection

    def storage(self, settings: SettingsView, connection: str | None, collection: str) -> Storage:
        """Find where chats of this connection setting and collection are."""
        return self.chats.find(settings, connection, collection)

    def storages(self) -> Sequence[Storage]:
        """Return the storages chats were looked for in so far."""
        return self.chats.opened

    def open_store(self, storage: Storage) -> ChatStore:
        """Return the chats of a storage."""
        return self.chats.open(storage)

    def banner(self) -> tuple[str, ...]:
        names = dict.fromkeys([*self._connections.values()] or [""])
        models = [f"Models: {self._describe(name)}" for name in names]
        described = [
            self.chats.describe(self.host.settings, name) for name in self._storages.values()
        ]
        chats = [f"Chats: {each}" for each in described if each]
        searches = [
            f"Documents: {self.vectors.describe(self.host.settings, name)}"
            for name in self._searches.values()
        ]
        unused = unused_section(self.host.settings, self._connections.values())
        notes = [
            f"Unused: {unused}__Endpoint is set, but no binding has the aiConnectionName '{unused}'"
        ]
        return tuple(dict.fromkeys([*models, *chats, *searches, *(notes if unused else ())]))

    def examine(self) -> Sequence[Finding]:
        settings = self.host.settings
        # Only `funcemu doctor` asks.
        from bindings.openai.findings import chat_findings, document_findings, model_findings

        return [
            *model_findings(self.models, settings, self._connections.values()),
            *chat_findings(settings, self._storages.values()),
            *document_findings(self.vectors, settings, self._searches.values()),
        ]

    def settings(self) -> Mapping[str, str]:
        from bindings.openai.findings import SETTINGS  # as above

        return SETTINGS

    async def serve(
        self, path: str, request: HttpRequestData
    ) -> HttpResponseData | StreamedResponse:
        """Answer as a model service does, for code of the app that calls one itself."""
        if self._endpoint is None:
            from bindings.openai.serving.endpoint import ModelEndpoint  # few apps need it

            self._endpoint = ModelEndpoint(self.host, self.models)
        return await self._endpoint.serve(path, request)

    def summary(self) -> tuple[str, ...]:
        return self.models.tally.lines()

    def views(self) -> Mapping[str, Callable[[str], Awaitable[Any]]]:
        from bindings.openai.assistants.inspecting import show  # only tests look

        return {"assistant": lambda assistant: show(self, assistant)}

    def seeds(self) -> Mapping[str, Callable[[Any], Awaitable[None]]]:
        from bindings.openai.assistants.inspecting import seed  # as above

        return {"assistants": lambda content: seed(self, content)}

    async def aclose(self) -> None:
        await self.models.aclose()
        await self.chats.aclose()
        await self.vectors.aclose()
        await self.credentials.aclose()

    def _describe(self, connection_name: str) -> str:
        try:
            return self.models.choose(self.host.settings, connection_name).title
        except BindingError as error:
            return f"none: {error.message}"

    def _warn(self, text: str) -> None:
        self.host.log("Warning", LOG_CATEGORY, text)
