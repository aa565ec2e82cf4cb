"""Chat stores over a table service, and its rows as any other client sees them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from azure.data.tables.aio import TableClient

from bindings.openai.chats.accounts import TableConnection
from bindings.openai.chats.table import Table
from bindings.openai.chats.tables import TablesChatStore
from bindings.openai.models.retrying import RetryPolicy
from emulator.clock import SystemClock
from tests.support.azurite import ACCOUNT, OTHER_ACCOUNT, Azurite


def table_name() -> str:
    return "t" + uuid.uuid4().hex


def table_store(
    connection_string: str,
    name: str,
    *,
    tell: Callable[[str], None] = lambda text: None,
    delay: float = 0.0,
) -> TablesChatStore:
    """Make a store that waits no time before it tries again."""
    reached = TableConnection("Store", "key from Store", connection_string)
    return TablesChatStore(
        Table(
            name,
            "shop",
            reached,
            sign_in=_nobody,
            policy=RetryPolicy(delay=delay),
            clock=SystemClock(),
            tell=tell,
        )
    )


@asynccontextmanager
async def tables(azurite: Azurite) -> AsyncIterator[Callable[..., TablesChatStore]]:
    """Make stores over tables nobody else has; give account and collection to get another."""
    name = table_name()
    made: list[TablesChatStore] = []

    def make(account: str = "", collection: str = "chatstate") -> TablesChatStore:
        string = azurite.connection_string(OTHER_ACCOUNT if account else ACCOUNT)
        made.append(table_store(string, name + collection))
        return made[-1]

    yield make
    for store in made:
        await store.aclose()


@asynccontextmanager
async def raw_table(azurite: Azurite, name: str) -> AsyncIterator[TableClient]:
    """Open a table as another program would; it is made if it is not there."""
    client = TableClient.from_connection_string(azurite.connection_string(), name)
    async with client:
        from azure.core.exceptions import ResourceExistsError

        try:
            await client.create_table()
        except ResourceExistsError:
            pass
        yield client


def _nobody() -> object:
    raise AssertionError("a connection string needs no identity")
