"""`Set-Cookie` headers of a response, as Azure's worker reads them and its host writes them.

What Python's parser of cookies cannot read is left out, which is told.

Differences: a value leaves as it was written. Azure's host escapes it.
"""

from __future__ import annotations

import logging
from email.utils import formatdate, mktime_tz, parsedate_tz
from http.cookies import Morsel, SimpleCookie
from typing import Any, Iterator

_SAME_SITE = ("lax", "strict", "none")


def cookie_lines(header: str) -> Iterator[str]:
    """Yield each cookie of a header; raise for what fails a call on Azure."""
    cookies = SimpleCookie(header)
    if header and not cookies:
        logging.warning(
            "The header 'Set-Cookie: %s' is not sent: http.cookies cannot read it, so Azure would"
            " leave it out, too",
            header,
        )
    for cookie in cookies.values():
        yield "; ".join(_parts(cookie))


def _parts(cookie: Morsel[Any]) -> Iterator[str]:
    yield f"{cookie.key}={cookie.coded_value}"
    if cookie["expires"]:
        yield f"expires={_date(cookie['expires'])}"
    if cookie["max-age"]:
        yield f"max-age={_seconds(cookie['max-age'])}"
    # Azure's worker always says these, empty when the app did not.
    yield f"domain={cookie['domain']}"
    yield f"path={cookie['path']}"
    if cookie["secure"]:
        yield "secure"
    if cookie["samesite"].lower() in _SAME_SITE:
        yield f"samesite={cookie['samesite'].lower()}"
    if cookie["httponly"]:
        yield "httponly"


def _date(text: str) -> str:
    try:
        return formatdate(mktime_tz(parsedate_tz(text)), usegmt=True)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):  # `TypeError`: it is no date at all
        told = f"Can not parse value {text} of expires in the cookie due to invalid format."
        logging.error(told)
        raise ValueError(told) from None


def _seconds(text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise TypeError(f"Cannot parse value {text} of 'cookie.maxAge' to float.") from None
