"""What the functions of each template have to do, in whatever language they are written."""

from __future__ import annotations

from tests.support.serving import Served


async def try_http(host: Served, name: str) -> None:
    assert (await host.get(f"/api/{name}?name=Ada")).text == "Hello, Ada!"
    assert (await host.post(f"/api/{name}", json={"name": "Bo"})).text == "Hello, Bo!"
    assert (await host.get(f"/api/{name}")).text == "Hello, world!"


async def try_assistant(host: Served, name: str) -> None:
    address = f"/api/{name}/first"
    assert (await host.post(f"{address}?message=Hi")).status == 404
    assert (await host.put(address)).status == 202
    reminded = await host.post(f"{address}?message=Remind me to call my dad")
    assert reminded.status == 200
    listed = await host.post(f"{address}?message=What do I need to do today?")
    assert "call my dad" in listed.text
    chat = (await host.get(address)).json
    assert chat["exists"]
    assert chat["totalMessages"] > 5


async def try_completion(host: Served, name: str) -> None:
    answer = await host.get(f"/api/{name}/Ada")
    assert answer.status == 200
    assert answer.text


async def try_embeddings(host: Served, name: str) -> None:
    answer = await host.post(f"/api/{name}", json={"text": "The shop opens at nine."})
    assert answer.json["count"] == 1


async def try_search(host: Served, name: str) -> None:
    document = {"title": "hours.md", "text": "The shop opens at nine and closes at six."}
    assert (await host.post(f"/api/{name}/store", json=document)).json == {"stored": "hours.md"}
    answer = await host.post(f"/api/{name}/ask", json={"question": "When does the shop open?"})
    assert "nine" in answer.text


async def try_timer(host: Served, name: str) -> None:
    assert (await host.post(f"/admin/functions/{name}")).status == 202
    await host.until_printed(f"[{name}] The timer fired.")


TRIES = {
    "http": ("hello", try_http),
    "assistant": ("assistant", try_assistant),
    "completion": ("whois", try_completion),
    "embeddings": ("embeddings", try_embeddings),
    "search": ("documents", try_search),
    "timer": ("tick", try_timer),
}
