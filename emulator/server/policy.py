"""What is decided about requests apart from the functions themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from emulator.config.hostjson import HttpConfig
from emulator.errors import StateError
from emulator.server.cors import Cors
from emulator.server.guard import authority, is_foreign
from emulator.server.keys import KeyStore

BODY_LIMIT = 104_857_600
"""Bytes of a request body (100 MiB, as the official host); above it the answer is 413."""


def body_limit(environ: Mapping[str, str]) -> int:
    """Return the largest body in bytes; the variable is the official host's."""
    given = environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "")
    return int(given) if given.isdecimal() and len(given) < 20 else BODY_LIMIT


@dataclass(frozen=True, slots=True)
class SitePolicy:
    """Chosen by whoever starts the host.

    `keys` is always there, so that keys can be managed; they are asked for only with
    `enable_auth`. `served_as` are further host names under which the admin API answers.
    """

    keys: KeyStore
    enable_auth: bool = False
    cors: Cors | None = None
    body_limit: int = BODY_LIMIT
    served_as: frozenset[str] = frozenset()

    def notes(self) -> list[str]:
        """Say what a caller has to know."""
        notes = [] if self.cors is None else [f"CORS: {self.cors}"]
        if self.enable_auth:
            folder = self.keys.folder
            try:
                master = self.keys.master  # made now, so that whoever reads this finds them
                kept = f"memory; master {master}" if folder is None else str(folder)
            except StateError as error:
                kept = f"{folder}. {error.message}"
            notes.append(f"Keys: asked for (--enable-auth), kept in {kept}")
        return notes

    def where_keys_are(self) -> str:
        """Say where whoever runs the host finds the keys."""
        folder = self.keys.folder
        return "keys are in memory" if folder is None else f"keys are in {folder}"

    def allows(self, level: str, request: web.BaseRequest, query: str, function: str = "") -> bool:
        """Whether the request may use what needs `level`."""
        if level == "anonymous" or not self.enable_auth:
            return True
        return self.keys.opens(level, _key(request, query), function)

    def refusal(self, request: web.BaseRequest) -> str | None:
        """Say why what is for this machine's own tools is not for this request, or nothing."""
        named = authority(request.raw_path)
        if named is not None:  # it counts instead of the header, so it must be as sound
            reason = is_foreign({"Host": named}, served_as=self.served_as)
            if reason is not None:
                return reason
        return is_foreign(request.headers, served_as=self.served_as, trusts=self.trusts)

    def trusts(self, origin: str) -> bool:
        """Whether the person who started the host named this origin."""
        return self.cors is not None and self.cors.names(origin)

    def is_admin(self, request: web.BaseRequest, query: str) -> bool:
        """Whether the request carries the master key, and keys are asked for."""
        return self.enable_auth and self.keys.opens("admin", _key(request, query), "")


def extra_headers(http: HttpConfig, request: web.BaseRequest) -> Mapping[str, str]:
    """Return `customHeaders` and HSTS of host.json for one answer."""
    if not http.hsts.enabled or request.scheme != "https":
        return http.custom_headers
    name = request.host.rpartition(":")[0] or request.host
    if name.lower() in {each.lower() for each in http.hsts.excluded_hosts}:
        return http.custom_headers
    value = f"max-age={int(http.hsts.max_age)}"
    if http.hsts.include_subdomains:
        value += "; includeSubDomains"
    if http.hsts.preload:
        value += "; preload"
    return {**http.custom_headers, "Strict-Transport-Security": value}


def _key(request: web.BaseRequest, query: str) -> str:
    return request.headers.get("x-functions-key") or _code(query)


def _code(query: str) -> str:
    if "code=" not in query.lower():
        return ""
    from urllib.parse import parse_qsl  # only for requests that carry a key

    return next((value for name, value in parse_qsl(query) if name.lower() == "code"), "")
