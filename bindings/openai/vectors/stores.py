"""From host.json and the settings to the store in use: a search service, or the local one.

Differences
- With the type `local`, and where a service is named whose connection is missing or still sample
  text, documents are kept on this machine.
- There is one client for each connection; Azure's extension keeps the first for all.
"""

from __future__ import annotations

import json

from bindings.openai.clients import LOG_CATEGORY
from bindings.openai.identity import Credentials
from bindings.openai.patience import service_timeout
from bindings.openai.vectors.base import VectorStore
from bindings.openai.vectors.connection import SearchConnection, Unconnected, find_connection
from bindings.openai.vectors.extras import Access
from bindings.openai.vectors.host_json import LOCAL_TYPE, ProviderSection, search_provider
from bindings.openai.vectors.local import DATABASE, MIGRATIONS, LocalVectorStore
from emulator.sdk import BindingError, HostServices, SettingsView


class VectorStores:
    """Makes stores and keeps them: one for each provider, its options and its connection."""

    def __init__(self, host: HostServices, credentials: Credentials) -> None:
        self._host = host
        self._credentials = credentials
        self._stores: dict[object, VectorStore] = {}
        self._told: set[tuple[str, str]] = set()

    def open(self, settings: SettingsView, connection_name: str, collection: str) -> VectorStore:
        """Return what serves a connection name; raise `BindingError` when host.json names no
        provider, or when the connection or the collection has no name."""
        section = search_provider(self._host.host_json)
        if not connection_name:
            raise BindingError(
                "No connection string information was provided.", code="search-connection-missing"
            )
        if not collection:
            raise BindingError(
                "No collection name information was provided.", code="search-collection-missing"
            )
        connection = self._connection(section, settings, connection_name)
        if isinstance(connection, Unconnected):
            self._tell(section, connection, connection_name)
            return self.local()
        timeout = service_timeout(settings)
        key = (section.kind, json.dumps(section.values, sort_keys=True), connection, timeout)
        if key not in self._stores:
            access = Access(lambda: self._credentials.get(connection.identity), timeout)
            self._stores[key] = _make(section, connection, access)
        return self._stores[key]

    def local(self) -> LocalVectorStore:
        """Return the store on this machine."""
        store = self._stores.get(LOCAL_TYPE)
        if not isinstance(store, LocalVectorStore):
            store = LocalVectorStore(self._host.database(DATABASE, MIGRATIONS))
            self._stores[LOCAL_TYPE] = store
        return store

    def describe(self, settings: SettingsView, connection_name: str) -> str:
        """Say what serves a connection name, for people."""
        try:
            section = search_provider(self._host.host_json)
        except BindingError as error:
            return f"none ({error.hint or error.message})"
        connection = self._connection(section, settings, connection_name)
        if isinstance(connection, Unconnected):
            return f"local store ({connection.reason})"
        return f"{section.kind} at {connection_name}"

    async def aclose(self) -> None:
        for store in self._stores.values():
            await store.aclose()
        self._stores.clear()

    def _connection(
        self, section: ProviderSection, settings: SettingsView, name: str
    ) -> SearchConnection | Unconnected:
        if section.kind == LOCAL_TYPE:
            return Unconnected(f"as host.json asks by the type '{LOCAL_TYPE}'")
        if self._host.flags.get("services") == "local":
            return Unconnected("A test asks no search service")
        return find_connection(settings, name)

    def _tell(self, section: ProviderSection, found: Unconnected, name: str) -> None:
        if section.kind == LOCAL_TYPE or (section.kind, name) in self._told:
            return
        self._told.add((section.kind, name))
        self._host.log(
            "Warning",
            LOG_CATEGORY,
            f"{found.reason}, so '{section.kind}' is not asked: documents of '{name}' are kept "
            "and searched in the local store on this machine.",
        )


def _make(section: ProviderSection, connection: SearchConnection, access: Access) -> VectorStore:
    # Imported by need: an app uses one of them.
    match section.kind:
        case "azureAISearch":
            from bindings.openai.vectors.ai_search import AISearchOptions, AISearchStore

            return AISearchStore(section.options(AISearchOptions), connection, access)
        case "cosmosDBSearch":
            from bindings.openai.vectors.cosmos_mongo import CosmosMongoOptions, CosmosMongoStore

            return CosmosMongoStore(section.options(CosmosMongoOptions), connection, access)
        case "cosmosDBNoSqlSearch":
            from bindings.openai.vectors.cosmos_nosql import CosmosNoSqlOptions, CosmosNoSqlStore

            return CosmosNoSqlStore(section.options(CosmosNoSqlOptions), connection, access)
        case _:
            from bindings.openai.vectors.kusto import KustoStore

            return KustoStore(connection, access)
