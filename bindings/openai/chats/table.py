"""One table of a table service: opening it, trying again, and its errors in plain words.

Requests are tried again here and not in the SDK: a transaction may have been stored although its
answer was lost, and only who knows its rows can tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bindings.openai.chats.accounts import TableConnection
from bindings.openai.identity import refused
from bindings.openai.models.retrying import RetryPolicy, ServiceError, retry_after, with_retries
from bindings.openai.patience import SERVICE_TIMEOUT
from emulator.sdk import BindingError, Clock

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.data.tables.aio import TableClient

T = TypeVar("T")

Entity = Mapping[str, Any]
Operation = tuple[str, Entity] | tuple[str, Entity, Mapping[str, Any]]

CONNECT_TIMEOUT = 5.0
"""Seconds; the SDK's own are five minutes."""


class RowConflict(Exception):
    """Rows are not what the request takes them for: changed, there already, or gone."""


class TableMissing(RowConflict):
    """There is no such table."""


class TableError(ServiceError):
    """The table service refused or could not be reached."""

    code = "chat-storage-failed"


class Table:
    """`sign_in` gives the credential of a connection that has an identity."""

    def __init__(
        self,
        name: str,
        account: str,
        reached: TableConnection,
        *,
        sign_in: Callable[[], AsyncTokenCredential],
        policy: RetryPolicy,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self.name = name
        self._account = account
        self._connection = reached
        self._sign_in = sign_in
        self._policy = policy
        self._clock = clock
        self._tell = tell
        self._client: TableClient | None = None
        self._opening = asyncio.Lock()

    async def rows(
        self, query: str, values: Mapping[str, str], *, columns: list[str] | None = None
    ) -> list[Any]:
        """Return the rows a filter finds, all pages; `@name` in it stands for a value."""
        client = await self._open()

        async def read() -> list[Any]:
            async with asyncio.timeout(self._policy.timeout):
                found = client.query_entities(query, parameters=dict(values), select=columns)
                return [entity async for entity in found]

        try:
            return await self._trying(read)
        except TableMissing:
            raise
        except RowConflict as error:
            raise TableError(
                f"There is no table service for '{self._account}' ({error}).",
                hint=f"Check the address in {self._connection.setting}.",
            ) from error

    async def submit(
        self,
        operations: Sequence[Operation],
        *,
        confirm: Callable[[], Awaitable[T | None]] | None = None,
    ) -> Sequence[Mapping[str, Any]] | T:
        """Run a transaction; return what the service says about each row.

        `confirm` is asked when an answer was lost and the next attempt finds a conflict: it
        returns something when the rows are there.
        """
        client = await self._open()
        lost = False

        async def write() -> Sequence[Mapping[str, Any]]:
            nonlocal lost
            try:
                async with asyncio.timeout(self._policy.timeout):
                    return await client.submit_transaction(operations)
            except Exception as error:
                lost = lost or _is_lost(error)
                raise

        try:
            return await self._trying(write)
        except RowConflict:
            stored = await confirm() if confirm and lost else None
            if stored is None:
                raise
            return stored

    async def make(self) -> None:
        """Create the table unless it is there."""
        client = await self._open()

        async def create() -> None:
            async with asyncio.timeout(self._policy.timeout):
                await client.create_table()

        try:
            await self._trying(create)
        except RowConflict:
            pass

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _open(self) -> TableClient:
        async with self._opening:
            if self._client is None:
                # The import takes a good part of a second: other calls go on meanwhile.
                await asyncio.to_thread(self._load)
                self._client = self._make_client()
            return self._client

    def _load(self) -> None:
        try:
            import azure.data.tables.aio  # noqa: F401 - only to have it loaded
        except ModuleNotFoundError as error:
            raise BindingError(
                f"{self._connection.setting} names the storage account '{self._account}'. Table "
                "storage needs the package 'azure-data-tables', which is not installed.",
                hint='Run: pip install "funcemu[tables]" – or keep chats on this machine with the '
                "setting FUNCEMU_CHAT_STORE=embedded.",
                code="chat-storage-not-installed",
            ) from error

    def _make_client(self) -> TableClient:
        from azure.data.tables.aio import TableClient  # here for start-up cost

        connection = self._connection
        options: dict[str, Any] = {
            "retry_total": 0,
            "connection_timeout": CONNECT_TIMEOUT,
            "read_timeout": self._policy.timeout,
        }
        try:
            if connection.connection_string:
                return TableClient.from_connection_string(
                    connection.connection_string, self.name, **options
                )
            signed = "sig=" in connection.endpoint
            credential = None if signed else self._sign_in()
            return TableClient(connection.endpoint, self.name, credential=credential, **options)
        except ValueError as error:
            raise BindingError(
                f"{self._connection.setting} does not lead to a table service: {error}",
                hint="Azure identities need an address with https; for Azurite use its connection "
                "string."
                if connection.endpoint
                else "Copy the connection string from the account's page 'Access keys'.",
                code="chat-storage-failed",
            ) from error

    async def _trying(self, work: Callable[[], Awaitable[T]]) -> T:
        from azure.core.exceptions import AzureError  # here for start-up cost

        async def attempt() -> T:
            try:
                return await work()
            except AzureError as error:
                raise self._translated(error) from error
            except TimeoutError as error:
                raise TableError(
                    f"The table service of '{self._account}' did not answer in "
                    f"{self._policy.timeout:g} s.",
                    hint=f"Check {self._connection.setting} and the service, or raise "
                    f"{SERVICE_TIMEOUT}.",
                ) from error

        return await with_retries(attempt, policy=self._policy, clock=self._clock, tell=self._tell)

    def _translated(self, error: AzureError) -> Exception:
        from azure.core import exceptions  # here for start-up cost

        response = getattr(error, "response", None)
        if isinstance(error, exceptions.HttpResponseError) and response is not None:
            return self._refusal(error)
        where = f"the table service of '{self._account}'"
        if isinstance(error, exceptions.ClientAuthenticationError):
            if self._connection.connection_string:
                return BindingError(
                    f"The key for {where} cannot be used: {_first_line(error)}",
                    hint=f"Check AccountKey in {self._connection.setting}.",
                    code="chat-storage-failed",
                )
            return refused(error, where=where, identity=self._connection.access)
        return TableError(
            f"{where[:1].upper()}{where[1:]} cannot be reached: {_first_line(error)}",
            hint=f"Check {self._connection.setting} and whether the service runs, or keep chats on "
            "this machine with the setting FUNCEMU_CHAT_STORE=embedded.",
        )

    def _refusal(self, error: HttpResponseError) -> Exception:
        status = error.status_code or 0
        found = getattr(error, "error_code", None)  # an enum where the SDK knows the code
        code = str(getattr(found, "value", found) or "")
        if code == "TableNotFound":
            return TableMissing(self.name)
        if code in {"EntityAlreadyExists", "TableAlreadyExists"} or status in {404, 412}:
            return RowConflict(f"{status} {code}".strip())
        return TableError(
            f"The table service of '{self._account}' answered {status} "
            f"{code or error.reason}: {_first_line(error)}",
            status=status,
            retry_after=retry_after(getattr(error.response, "headers", {})),
            reason=code,
            hint=self._advice(status),
        )

    def _advice(self, status: int) -> str | None:
        if status not in {401, 403}:
            return None
        if self._connection.identity or not self._connection.connection_string:
            return (
                f"It was asked with {self._connection.access}. That identity needs the role "
                "'Storage Table Data Contributor', and the account's firewall must let us in."
            )
        return f"Check the key in {self._connection.setting}, and the account's firewall."


def _is_lost(error: Exception) -> bool:
    """Whether the service may have done what it was asked although it did not say so."""
    status = getattr(error, "status_code", None)
    return status is None or status >= 500 or status == 408


def _first_line(error: Exception) -> str:
    """Return what is wrong; the SDK adds lines with codes and advice."""
    text = str(getattr(error, "message", error)).strip()
    return next(iter(text.splitlines()), "no reason was given").rstrip(".") + "."
