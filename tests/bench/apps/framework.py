"""The same for functions-framework, once sync and once async."""

from typing import Any


def hello(request: Any) -> str:
    return "Hello world"


async def hello_async(request: Any) -> str:
    return "Hello world"
