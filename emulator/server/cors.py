"""CORS as the official tools answer it: preflights here, headers on everything else.

Off unless origins are configured; then an `OPTIONS` without `Access-Control-Request-Method` is
still an ordinary request, and a request of a foreign origin runs but gets no header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emulator.errors import ConfigError


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
        if "*" in named and credentials:
            raise ConfigError(
                "CORS cannot allow every origin ('*') together with credentials.",
                hint="Name the origins in --cors (or Host.CORS), or leave credentials off.",
                code="cors-invalid",
            )
        return cls(named, credentials)

    def preflight(self, method: str, headers: Mapping[str, str]) -> dict[str, str] | None:
        """Return the headers of the 204 that answers a preflight; `None` when it is none."""
        asked = headers.get("Access-Control-Request-Method")
        if method != "OPTIONS" or "Origin" not in headers or not asked:
            return None
        answer = self.headers(headers["Origin"])
        if "Access-Control-Allow-Origin" in answer:
            answer["Access-Control-Allow-Methods"] = asked
            wanted = headers.get("Access-Control-Request-Headers")
            if wanted:
                answer["Access-Control-Allow-Headers"] = wanted
        return answer

    def headers(self, origin: str | None) -> dict[str, str]:
        """Return what is added to the answer of a request from `origin`."""
        if origin is None:
            return {}
        answer = {}
        if len(self.origins) > 1:
            answer["Vary"] = "Origin"
        if "*" in self.origins:
            answer["Access-Control-Allow-Origin"] = "*"
        elif origin.lower() in self.origins:
            answer["Access-Control-Allow-Origin"] = origin
        else:
            return answer
        if self.credentials:
            answer["Access-Control-Allow-Credentials"] = "true"
        return answer
