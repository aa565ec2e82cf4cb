"""From a connection setting to the store that keeps its chats: embedded, or a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from bindings.openai.chats.accounts import (
    DEFAULT_CONNECTION,
    Account,
    TableConnection,
    find_account,
)
from bindings.openai.chats.base import ChatStore, check_collection
from bindings.openai.chats.sqlite import MIGRATIONS, SqliteChatStore
from bindings.openai.clients import LOG_CATEGORY
from bindings.openai.identity import Credentials
from bindings.openai.models.retrying import RetryPolicy
from bindings.openai.patience import service_timeout
from emulator.sdk import BindingError, Database, HostServices, SettingsView

DATABASE = "openai-chats"


@dataclass(frozen=True, slots=True)
class Storage:
    """An account and a collection, as far as chats go.

    Table names have no case, so `collection` is lower-case; `table` is as written. `reached` says
    how to get there; the embedded store needs nothing.
    """

    account: str
    collection: str
    table: str = field(default="", compare=False)
    reached: TableConnection | None = field(default=None, compare=False)


class ChatStores:
    """Makes stores and keeps them: one for each account, way to it, and collection."""

    def __init__(self, host: HostServices, credentials: Credentials) -> None:
        self._host = host
        self._credentials = credentials
        self._stores: dict[object, ChatStore] = {}
        self._storages: list[Storage] = []

    def find(self, settings: SettingsView, connection: str | None, collection: str) -> Storage:
        """Find where chats of this connection setting and collection are."""
        check_collection(collection)
        account = self._account(settings, connection)
        return Storage(account.name, collection.lower(), collection, account.connection)

    @property
    def opened(self) -> list[Storage]:
        """The storages that were opened so far."""
        return list(self._storages)

    def open(self, storage: Storage) -> ChatStore:
        # A changed key is another way to the same chats.
        timeout = service_timeout(self._host.settings)
        key = (storage, storage.reached, timeout)
        if key not in self._stores:
            self._stores[key] = self._make(storage, timeout)
            self._storages.append(storage)
        return self._stores[key]

    def describe(self, settings: SettingsView, connection: str | None) -> str:
        """Say where chats of a connection setting are kept, for people; empty when they are in
        the embedded store."""
        try:
            account = self._account(settings, connection)
        except BindingError as error:
            return f"none: {error.message}"
        if account.connection is None:
            return ""
        return f"table storage '{account.name}' ({account.connection.access})"

    def _account(self, settings: SettingsView, connection: str | None) -> Account:
        if self._host.flags.get("services") == "local":  # a test, which asks nobody
            return Account("", connection or DEFAULT_CONNECTION)
        return find_account(settings, connection)

    async def aclose(self) -> None:
        stores, self._stores = self._stores, {}
        for store in stores.values():
            await store.aclose()

    def _make(self, storage: Storage, timeout: float) -> ChatStore:
        reached = storage.reached
        if reached is None:
            return SqliteChatStore(
                embedded_database(self._host),
                account=storage.account,
                collection=storage.collection,
                new_version=self._host.random_id,
            )
        # Imported by need: most apps keep their chats in the embedded store.
        from bindings.openai.chats.table import Table
        from bindings.openai.chats.tables import TablesChatStore

        return TablesChatStore(
            Table(
                storage.table,
                storage.account,
                reached,
                sign_in=lambda: self._credentials.get(reached.identity),
                policy=RetryPolicy(timeout=timeout),
                clock=self._host.clock,
                tell=lambda text: self._host.log("Warning", LOG_CATEGORY, text),
            )
        )


def embedded_database(host: HostServices) -> Database:
    """Return the database of the embedded store."""
    return host.database(DATABASE, MIGRATIONS)
