"""Azure Data Explorer (Kusto): one table for each collection, which must exist.

Documents are sent inside the commands themselves, which the service offers for small amounts of
data such as a developer's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bindings.openai.models.embedding import Vector
from bindings.openai.vectors.base import Document, Hit, timestamp_text
from bindings.openai.vectors.connection import SearchConnection
from bindings.openai.vectors.extras import Access, SearchServiceError, bounded, needing, no_answer
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.kusto.data import KustoConnectionStringBuilder
    from azure.kusto.data.aio import KustoClient

KIND = "kusto"
SCHEMA = "(Id:string, Title:string, Text:string, Embeddings:dynamic, Timestamp:datetime)"

_COMMAND_SIZE = 1_000_000
"""Characters of documents put into one command."""


class KustoStore:
    """One cluster and its initial catalog."""

    name = KIND

    def __init__(self, connection: SearchConnection, access: Access) -> None:
        self._connection = connection
        self._access = access
        self._client: KustoClient | None = None
        self._opening = asyncio.Lock()

    async def add(self, collection: str, documents: Sequence[Document]) -> None:
        table = table_name(collection)
        client = await self._open()
        with self._errors(collection):
            for lines in _portions([_line(document) for document in documents]):
                command = f".ingest inline into table {table} with (format='json') <|\n{lines}"
                async with bounded(self._connection, self._access):
                    await client.execute_mgmt(client.default_database, command)

    async def search(self, collection: str, vector: Vector, text: str, *, top: int) -> list[Hit]:
        table = table_name(collection)
        if top < 1:
            return []
        client = await self._open()
        from azure.kusto.data import ClientRequestProperties  # here for start-up cost

        query = (
            "declare query_parameters(vector:dynamic);\n"
            f"{table}\n"
            "| extend Similarity = series_cosine_similarity(vector, Embeddings)\n"
            f"| top {top} by Similarity desc\n"
            "| project Title, Text, Similarity"
        )
        properties = ClientRequestProperties()  # type: ignore[no-untyped-call]  # not typed there
        properties.set_parameter("vector", f"dynamic({json.dumps(list(vector))})")
        with self._errors(collection):
            async with bounded(self._connection, self._access):
                answer = await client.execute_query(client.default_database, query, properties)
            return [
                Hit(row["Title"] or "", row["Text"] or "", row["Similarity"] or 0.0)
                for row in answer.primary_results[0]
            ]

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]  # not typed there

    async def _open(self) -> KustoClient:
        async with self._opening:
            if self._client is None:
                with needing(KIND, package="azure-kusto-data", extra="kusto"):
                    from azure.kusto.data.aio import KustoClient  # here for start-up cost

                client = KustoClient(self._builder())
                try:
                    with self._errors(""):
                        # It asks the cluster for its sign-in address, and waits for the answer.
                        await asyncio.to_thread(_validate, client, self._access.timeout)
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    def _builder(self) -> KustoConnectionStringBuilder:
        from azure.kusto.data import KustoConnectionStringBuilder  # here for start-up cost

        text = self._connection.connection_string or self._connection.endpoint
        try:
            given = KustoConnectionStringBuilder(text)
            source = given.data_source or ""
        except (KeyError, ValueError) as error:
            raise BindingError(
                f"The setting '{self._connection.name}' is not a Kusto connection string: {error}",
                hint="It looks like: https://CLUSTER.kusto.windows.net;Initial Catalog=DATABASE",
                code="search-connection-invalid",
            ) from error
        says_who = given.application_client_id or given.user_token or given.application_token
        if source.startswith("http://") or says_who or given.aad_user_id:
            return given
        return KustoConnectionStringBuilder.with_azure_token_credential(
            text, credential=_Shared(self._access.sign_in())
        )

    @contextmanager
    def _errors(self, collection: str) -> Iterator[None]:
        """Translate what the client raises."""
        from azure.kusto.data import exceptions  # here for start-up cost

        where = f"The search service of '{self._connection.name}'"
        try:
            yield
        except exceptions.KustoNetworkError as error:
            raise SearchServiceError(
                f"{where} cannot be reached: {error.__cause__ or error}",
                hint=f"Check the address in the setting '{self._connection.name}' and the network.",
            ) from error
        except exceptions.KustoAuthenticationError as error:
            raise SearchServiceError(
                f"{where} did not let us in: {error}",
                hint="Sign in with 'az login', or add AppClientId, AppKey and Authority Id to the "
                "connection string.",
            ) from error
        except exceptions.KustoError as error:
            raise SearchServiceError(
                f"{where} refused: {str(error).strip().splitlines()[0]}",
                hint=f"Check the address in the setting '{self._connection.name}'. The table must "
                f"exist: .create table {table_name(collection)} {SCHEMA}",
            ) from error
        except BindingError:
            raise
        except Exception as error:  # the client raises anything for what it does not expect
            raise no_answer(self._connection, error) from error


class _Shared:
    """A credential that others use as well: the client closes what it is given."""

    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        return await self._credential.get_token(*scopes, **options)

    async def close(self) -> None:
        """Its owner closes it."""


def _validate(client: Any, timeout: float) -> None:
    """Have the client ask the cluster for its sign-in address, within `timeout` seconds."""
    # Here for start-up cost; the client brings both.
    import requests
    from azure.kusto.data._cloud_settings import CloudSettings

    class Patient(requests.Session):
        """What is asked with; by itself the client waits for ever."""

        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            return super().send(request, **options | {"timeout": timeout})

    if client._aad_helper is not None:
        with Patient() as session:
            CloudSettings.get_cloud_info_for_cluster(client._kusto_cluster, session=session)
    client.validate_endpoint()


def table_name(collection: str) -> str:
    """Return the collection as a table name in a query."""
    if not collection or any(each in "/;" or each.isspace() for each in collection):
        raise BindingError(
            f"The table name '{collection}' is invalid.", code="search-collection-invalid"
        )
    escaped = collection.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _line(document: Document) -> str:
    return json.dumps(
        {
            "Id": document.id,
            "Title": document.title,
            "Text": document.text,
            "Embeddings": list(document.vector),
            "Timestamp": timestamp_text(document.timestamp),
        }
    )


def _portions(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines in portions that fit into a command."""
    portion: list[str] = []
    size = 0
    for line in lines:
        if portion and size + len(line) > _COMMAND_SIZE:
            yield "\n".join(portion)
            portion, size = [], 0
        portion.append(line)
        size += len(line) + 1
    if portion:
        yield "\n".join(portion)
