"""The yardstick for turns: chat completions by the bare client, in a process of its own.

`bare_call.py openai|azure URL MESSAGES CALLS` prints p50 and p99 in ms, and CPU ms a call.
"""

from __future__ import annotations

import asyncio
import sys
import time

from openai import AsyncAzureOpenAI, AsyncOpenAI

WARM_UP = 5


async def main(kind: str, url: str, messages: int, calls: int) -> None:
    client: AsyncOpenAI
    if kind == "azure":
        client = AsyncAzureOpenAI(azure_endpoint=url, api_key="k", api_version="2024-10-21")
    else:
        client = AsyncOpenAI(base_url=url, api_key="k")
    roles = ("user", "assistant")
    said = [
        {"role": roles[number % 2], "content": f"Sentence number {number} of this conversation."}
        for number in range(messages - 1)
    ]
    said = [{"role": "system", "content": "You are a helpful assistant."}, *said]
    times = []
    for number in range(WARM_UP + calls):
        if number == WARM_UP:
            used = time.process_time()
        began = time.perf_counter()
        await client.chat.completions.create(model="m", messages=said)  # type: ignore[arg-type]
        times.append((time.perf_counter() - began) * 1000)
    used = time.process_time() - used
    await client.close()
    ordered = sorted(times[WARM_UP:])
    print(ordered[calls // 2], ordered[calls * 99 // 100], used / calls * 1000)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
