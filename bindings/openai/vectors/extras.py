"""What the adapters for search services share: a missing package, and refusals in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bindings.openai.patience import SERVICE_TIMEOUT
from bindings.openai.vectors.connection import SearchConnection
from emulator.sdk import BindingError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


class SearchServiceError(BindingError):
    """A search service refused, or could not be reached."""

    code = "search-service-failed"


def _nobody() -> AsyncTokenCredential:
    raise BindingError("There is neither a key nor an identity for the search service.")


@dataclass(frozen=True, slots=True)
class Access:
    """What stores are lent: `sign_in` gives the credential of a connection without key, which
    whoever made it closes; a request may take `timeout` seconds."""

    sign_in: Callable[[], AsyncTokenCredential] = _nobody
    timeout: float = 60.0


@asynccontextmanager
async def bounded(connection: SearchConnection, access: Access) -> AsyncIterator[None]:
    """Bound what a store asks its service within the block."""
    try:
        async with asyncio.timeout(access.timeout):
            yield
    except TimeoutError as error:
        raise SearchServiceError(
            f"The search service of '{connection.name}' did not answer in {access.timeout:g} s.",
            hint=f"Check the address in the setting '{connection.name}' and the service, or "
            f"raise {SERVICE_TIMEOUT}.",
        ) from error


@contextmanager
def needing(kind: str, *, package: str, extra: str) -> Iterator[None]:
    """Tell which extra brings the package when the imports of the block find it missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BindingError(
            f"The search provider '{kind}' needs the package '{package}', which is not installed "
            f"(no module '{error.name}').",
            hint=f'Run: pip install "funcemu[{extra}]"',
            code="search-provider-not-installed",
        ) from error


@contextmanager
def azure_errors(connection: SearchConnection) -> Iterator[None]:
    """Translate what Azure's clients raise."""
    from azure.core import exceptions  # here for start-up cost

    where = f"The search service of '{connection.name}'"
    try:
        yield
    except exceptions.ClientAuthenticationError as error:
        raise SearchServiceError(
            f"{where} did not let us in: {_first_line(error.message)}", hint=_access(connection)
        ) from error
    except exceptions.HttpResponseError as error:
        if error.status_code is None or error.status_code < 300:
            raise no_answer(connection, error) from error
        hint = _address(connection)
        if error.status_code in {401, 403}:
            hint = _access(connection)
        elif error.status_code == 404:
            hint = "The collection is made when a document is stored in it for the first time."
        raise SearchServiceError(
            f"{where} answered {error.status_code}: {_first_line(error.message)}", hint=hint
        ) from error
    except exceptions.AzureError as error:
        raise SearchServiceError(
            f"{where} cannot be reached: {_first_line(error.message)}", hint=_address(connection)
        ) from error
    except BindingError:
        raise
    except Exception as error:  # the clients raise anything for what they do not expect
        raise no_answer(connection, error) from error


def no_answer(connection: SearchConnection, error: Exception) -> SearchServiceError:
    """Tell that what came, if anything, is no answer of such a service."""
    return SearchServiceError(
        f"The search service of '{connection.name}' did not answer properly: "
        f"{type(error).__name__}: {_first_line(str(error))}",
        hint=_address(connection),
    )


def _address(connection: SearchConnection) -> str:
    return f"Check the address in the setting '{connection.name}' and the network."


def _access(connection: SearchConnection) -> str:
    if connection.key or connection.connection_string:
        return f"Check the key in the settings of '{connection.name}'."
    return (
        f"No key is set for '{connection.name}', so an Azure identity was used. Sign in with "
        "'az login', and see that it has a role that allows this."
    )


def _first_line(text: str | None) -> str:
    return next(iter((text or "").strip().splitlines()), "no reason was given")
