"""Answers of the host's own: JSON, HTML, and an error with its next step."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


def json_reply(value: Any, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        # Names may come from a request, with bytes that are no text.
        body=json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )


def error_reply(status: int, message: str, hint: str) -> web.Response:
    return json_reply({"error": message, "hint": hint}, status)


def html_reply(html: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=html, content_type="text/html", charset="utf-8")
