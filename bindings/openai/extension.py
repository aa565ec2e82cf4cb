"""What the bindings of this package share: chats, models, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from bindings.openai.chats.accounts import find_account
from bindings.openai.chats.base import ChatStore, check_collection
from bindings.openai.chats.sqlite import MIGRATIONS, SqliteChatStore
from bindings.openai.clients import LOG_CATEGORY, ModelClients
from bindings.openai.turns import Turns
from bindings.openai.vectors.stores import VectorStores
from emulator.sdk import Binding, BindingError, Extension, HostServices, SettingsView


@dataclass(frozen=True, slots=True)
class Storage:
    """An account and a collection, as far as chats go. Table names have no case."""

    account: str
    collection: str


class OpenAIExtension(Extension):
    """Lives with the host, so chats and clients survive reloads."""

    def __init__(self, host: HostServices) -> None:
        super().__init__(host)
        self.models = ModelClients(host)
        self.turns = Turns()
        self.vectors = VectorStores(host)
        self._stores: dict[Storage, ChatStore] = {}
        self._told_accounts: set[str] = set()
        # Weak: a reload leaves only the bindings of the app that now serves.
        self._connections: WeakKeyDictionary[Binding, str] = WeakKeyDictionary()  # type: ignore[type-arg]  # any options
        self._searches: WeakKeyDictionary[Binding, str] = WeakKeyDictionary()  # type: ignore[type-arg]  # any options

    def uses_connection(self, binding: Binding, name: str) -> None:  # type: ignore[type-arg]  # any options
        """Take note of a model connection an app wants, for the banner."""
        self._connections[binding] = name

    def uses_search(self, binding: Binding, name: str) -> None:  # type: ignore[type-arg]  # any options
        """Take note of a search connection an app wants, for the banner."""
        self._searches[binding] = name

    def storage(self, settings: SettingsView, connection: str | None, collection: str) -> Storage:
        """Find where chats of this connection setting and collection are."""
        check_collection(collection)
        account = find_account(settings, connection)
        if not account.is_embedded and account.name not in self._told_accounts:
            self._told_accounts.add(account.name)
            self.host.log(
                "Warning",
                LOG_CATEGORY,
                f"{account.setting} names the storage account '{account.name}'. This build has no "
                "Azure Tables adapter, so the chats of that account are kept in the embedded "
                "store on this machine.",
            )
        return Storage(account.name, collection.lower())

    def open_store(self, storage: Storage) -> ChatStore:
        """Return the chats of a storage; the one place that chooses the adapter."""
        store = self._stores.get(storage)
        if store is None:
            store = self._stores[storage] = SqliteChatStore(
                self.host.database("openai-chats", MIGRATIONS),
                account=storage.account,
                collection=storage.collection,
                new_version=self.host.random_id,
            )
        return store

    def banner(self) -> tuple[str, ...]:
        names = dict.fromkeys([*self._connections.values()] or [""])
        models = [f"Models: {self._describe(name)}" for name in names]
        searches = [
            f"Documents: {self.vectors.describe(self.host.settings, name)}"
            for name in self._searches.values()
        ]
        return tuple(dict.fromkeys([*models, *searches]))

    async def aclose(self) -> None:
        await self.models.aclose()
        await self.vectors.aclose()

    def _describe(self, connection_name: str) -> str:
        try:
            return self.models.choose(self.host.settings, connection_name).title
        except BindingError as error:
            return f"none: {error.message}"
