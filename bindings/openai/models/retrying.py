"""Failures of a model service, and trying again as the official extension's client does."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from emulator.sdk import BindingError, Clock

T = TypeVar("T")

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})

LONGEST_WAIT = 120.0
"""Seconds; a service that asks for more will not answer this call."""


class ServiceError(BindingError):
    """The service refused or could not be reached (`status` is `None`).

    `reason` and `parameter` are the error's `code` and `param` in the service's answer.
    """

    code = "model-service-failed"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        reason: str = "",
        parameter: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after = retry_after
        self.reason = reason
        self.parameter = parameter

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status is None or self.status in RETRIED_STATUSES


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The first retry comes at once, the next after `delay` seconds, each later one after twice
    the time; a wait the service asks for wins."""

    attempts: int = 4
    delay: float = 0.8
    timeout: float = 100.0
    """Seconds one attempt may take."""

    def wait(self, failures: int, error: ServiceError) -> float:
        """Return the seconds to wait after that many failures."""
        if error.retry_after is not None:
            return error.retry_after
        return 0.0 if failures == 1 else self.delay * float(2 ** (failures - 2))


async def with_retries(
    attempt: Callable[[], Awaitable[T]],
    *,
    policy: RetryPolicy,
    clock: Clock,
    tell: Callable[[str], None],
) -> T:
    """Run `attempt` until it succeeds, fails for good, or was tried often enough."""
    failures = 0
    while True:
        try:
            return await attempt()
        except ServiceError as error:
            failures += 1
            wait = policy.wait(failures, error)
            if error.is_passing and wait > LONGEST_WAIT:
                error.hint = (
                    f"It wants to be asked again in {wait:,.0f} s; a call waits "
                    f"{LONGEST_WAIT:g} s at most."
                )
                raise
            if not error.is_passing or failures >= policy.attempts:
                raise
            stop = "" if error.message.endswith((".", "!", "?")) else "."
            tell(
                f"{error.message}{stop} Trying again in {wait:g} s "
                f"(attempt {failures + 1} of {policy.attempts})."
            )
        await clock.sleep(wait)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds the service asks to wait."""
    for name, unit in (
        ("retry-after-ms", 0.001),
        ("x-ms-retry-after-ms", 0.001),
        ("retry-after", 1.0),
    ):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    # The wait is told as a time of day, so the wall clock it is.
    return max(0.0, moment.timestamp() - time.time())
