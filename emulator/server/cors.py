"""CORS as the official tools answer it: preflights here, headers on everything else.

Off unless origins are configured; then an `OPTIONS` without `Access-Control-Request-Method` is
still an ordinary request, and a request of a foreign origin runs but gets no header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from multidict import CIMultiDict

from emulator.errors import ConfigError

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+")


@dataclass(frozen=True, slots=True)
class Cors:
    origins: frozenset[str]
    credentials: bool = False

    @classmethod
    def of(cls, origins: Sequence[str], *, credentials: bool) -> Cors | None:
        """Return the policy, or `None` when no origin is configured.

        Raises `ConfigError` for `*` together with credentials, which no browser accepts.
        """
        named = frozenset(each.strip().rstrip("/").lower() for each in origins if each.strip())
        if not named:
            return None
        for origin in named:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ConfigError(
                    f"CORS cannot allow '{origin}': an origin is a scheme and a host, or *.",
                    hint="Write it as the browser sends it, such as http://localhost:4200.",
                    code="cors-invalid",
                )
        if "*" in named and credentials:
            raise ConfigError(
                "CORS cannot allow every origin ('*') together with credentials.",
                hint="Name the origins in --cors (or Host.CORS), or leave credentials off.",
                code="cors-invalid",
            )
        return cls(named, credentials)

    def __str__(self) -> str:
        who = "every origin" if "*" in self.origins else ", ".join(sorted(self.origins))
        credentials = ", with credentials" if self.credentials else ""
        return f"pages of {who} may call{credentials}"

    @classmethod
    def of_settings(cls, setting: Callable[[str], str | None]) -> Cors | None:
        """Return the policy of the settings by which Azure's host is told, if they are given."""
        if setting("FUNCTIONS_ENABLE_CORS_CONFIGURATION") in (None, ""):
            return None
        given = setting("CORS_ALLOWED_ORIGINS") or "[]"
        try:
            origins = json.loads(given)
        except (ValueError, RecursionError):
            origins = None
        if not isinstance(origins, list) or not all(isinstance(each, str) for each in origins):
            raise ConfigError(
                f"CORS_ALLOWED_ORIGINS is no JSON list of texts: {given[:100]}",
                hint='Write it as ["https://one.example", "https://two.example"].',
                code="cors-invalid",
            )
        credentials = (setting("CORS_SUPPORT_CREDENTIALS") or "").strip().lower() in {"1", "true"}
        return cls.of(origins, credentials=credentials)

    def preflight(self, method: str, headers: Mapping[str, str]) -> MutableMapping[str, str] | None:
        """Return the headers of the 204 that answers a preflight; `None` when it is none."""
        asked = headers.get("Access-Control-Request-Method")
        if method != "OPTIONS" or "Origin" not in headers or not asked:
            return None
        wanted = headers.get("Access-Control-Request-Headers", "")
        answer: CIMultiDict[str] = CIMultiDict()
        self.add(answer, headers["Origin"])
        if "Access-Control-Allow-Origin" in answer and asked.isascii() and wanted.isascii():
            answer["Access-Control-Allow-Methods"] = asked
            if wanted:
                answer["Access-Control-Allow-Headers"] = wanted
        return answer

    def add(self, headers: MutableMapping[str, str], origin: str | None) -> None:
        """Add to the answer of a request from `origin` what its browser asks for."""
        if origin is None:
            return
        if len(self.origins) > 1:
            varies = headers.get("Vary", "")
            if "origin" not in varies.lower():
                headers["Vary"] = f"{varies}, Origin" if varies else "Origin"
        if "*" in self.origins:
            headers["Access-Control-Allow-Origin"] = "*"
        elif origin.lower() in self.origins:
            headers["Access-Control-Allow-Origin"] = origin
        else:
            return
        if self.credentials:
            headers["Access-Control-Allow-Credentials"] = "true"

    def names(self, origin: str) -> bool:
        """Whether `origin` itself is allowed, not only as one of all."""
        return origin.lower() in self.origins
