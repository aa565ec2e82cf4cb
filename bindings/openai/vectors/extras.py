"""What the adapters for search services share: a missing package, and refusals in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bindings.openai.vectors.connection import SearchConnection
from emulator.sdk import BindingError


class SearchServiceError(BindingError):
    """A search service refused, or could not be reached."""

    code = "search-service-failed"


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
        hint = None
        if error.status_code in {401, 403}:
            hint = _access(connection)
        elif error.status_code == 404:
            hint = "The collection is made when a document is stored in it for the first time."
        raise SearchServiceError(
            f"{where} answered {error.status_code}: {_first_line(error.message)}", hint=hint
        ) from error
    except exceptions.AzureError as error:
        raise SearchServiceError(
            f"{where} cannot be reached: {_first_line(error.message)}",
            hint=f"Check the address in the setting '{connection.name}' and the network.",
        ) from error


def _access(connection: SearchConnection) -> str:
    if connection.key or connection.connection_string:
        return f"Check the key in the settings of '{connection.name}'."
    return (
        f"No key is set for '{connection.name}', so an Azure identity was used. Sign in with "
        "'az login', and see that it has a role that allows this."
    )


def _first_line(text: str | None) -> str:
    return (text or "no reason was given").strip().splitlines()[0]
