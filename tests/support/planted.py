"""Keys that are found again in whatever form they come out, and places to plant them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ENDS = 12
"""Characters at both ends of a key by which a part of it is recognised, too."""


def key(name: str, middle: str = '+/"\\é=&') -> str:
    """Return the key of a place: always the same, alike at no other place. `middle` has what is
    escaped in JSON, addresses and HTML."""
    digest = base64.b32encode(hashlib.sha256(name.encode()).digest()).decode().lower()
    return f"z{digest[: ENDS - 1]}{middle}{digest[20 : 19 + ENDS]}q"


PLAIN = "-_."
"""A middle for headers, passwords in addresses and the like."""

IN_SETTINGS = {
    "Values": key("Values"),
    "model service": key("model service", PLAIN),
    "AccountKey": key("AccountKey", "+/=="),
    "SharedAccessKey": key("SharedAccessKey", "+/="),
    "signature": key("signature", "%2B%3D"),
    "password in an address": key("password in an address", PLAIN),
    "ConnectionStrings": key("ConnectionStrings", "+/é="),
    ".env": key(".env", "+/é="),
    "environment": key("environment"),
    "client secret": key("client secret", "~.-"),
    "host.json": key("host.json"),
    "override of host.json": key("override of host.json"),
}
"""What the app is configured with."""

IN_REQUESTS = {
    each: key(each, PLAIN) for each in ("function key", "bearer", "api-key", "cookie", "code")
}
"""What only clients send."""

EVERY = {**IN_SETTINGS, **IN_REQUESTS}

ENVIRONMENT = {
    "PLANTED_SECRET": IN_SETTINGS["environment"],
    "AZURE_CLIENT_SECRET": IN_SETTINGS["client secret"],
    "AZURE_CLIENT_ID": "c",
    "AZURE_TENANT_ID": "t",
    "AzureFunctionsJobHost__extensions__planted__password": IN_SETTINGS["override of host.json"],
}


def files(model_service: str) -> dict[str, str]:
    """Return the files of an app that has all of them."""
    values = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PLANTED_API_KEY": IN_SETTINGS["Values"],
        "AzureOpenAI__Endpoint": model_service,
        "AzureOpenAI__Key": IN_SETTINGS["model service"],
        "Files": "DefaultEndpointsProtocol=https;AccountName=a;"
        f"AccountKey={IN_SETTINGS['AccountKey']};EndpointSuffix=core.windows.net",
        "Bus": "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=all;"
        f"SharedAccessKey={IN_SETTINGS['SharedAccessKey']}",
        "Blobs": "BlobEndpoint=https://a.blob.core.windows.net/;"
        f"SharedAccessSignature=sv=2024-01-01&sig={IN_SETTINGS['signature']}",
        "Backend": f"postgres://me:{IN_SETTINGS['password in an address']}@db.test/items",
    }
    sql = f"Server=tcp:db.test;User Id=me;Password={IN_SETTINGS['ConnectionStrings']};"
    return {
        "local.settings.json": json.dumps(
            {"IsEncrypted": False, "Values": values, "ConnectionStrings": {"Sql": sql}}
        ),
        ".env": f"PLANTED_TOKEN={IN_SETTINGS['.env']}\n",
        "host.json": json.dumps(
            {
                "version": "2.0",
                "logging": {"logLevel": {"default": "Trace"}},
                "extensions": {"planted": {"apiKey": IN_SETTINGS["host.json"]}},
            }
        ),
    }


def found_in(data: bytes, keys: Mapping[str, str] = EVERY) -> list[str]:
    """Return the places whose keys are in `data`, whole or in part, as they are or encoded.

    Both ends of a key have characters that only base64 and hexadecimal numbers write otherwise.
    """
    lowered = data.lower()
    return [
        place
        for place, secret in keys.items()
        if any(form in data for form in _forms(secret))
        or any(end.hex().encode() in lowered for end in _ends(secret))
    ]


def _ends(secret: str) -> Iterator[bytes]:
    yield secret[:ENDS].encode()
    yield secret[-ENDS:].encode()


def _forms(secret: str) -> Iterable[bytes]:
    for end in _ends(secret):
        yield end
        for before in range(3):  # base64 looks otherwise at each of three offsets
            text = base64.b64encode(b"x" * before + end)
            yield text[4 if before else 0 : -4]


def files_below(folder: Path, but: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Return the content of every file, but for those at or below some paths."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(name == each or name.startswith(f"{each}/") for each in but):
            yield name, path.read_bytes()


def members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        yield from ((name, opened.read(name)) for name in opened.namelist())
