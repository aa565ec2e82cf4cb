"""`funcemu chats`: the assistants of an app, what was said, and deleting them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from bindings.openai.assistants.state import AssistantState, read_tool_calls
from bindings.openai.chats.base import Chat, ChatStore, ChatSummary, storable, ticks_text
from bindings.openai.chats.sqlite import stored_collections
from bindings.openai.chats.stores import embedded_database
from bindings.openai.extension import OpenAIExtension
from bindings.openai.options import DEFAULT_COLLECTION
from bindings.openai.recordings.redact import Redactor
from emulator.sdk import BindingError, CommandServices, HostServices, harmless, harmless_json


class _Place(NamedTuple):
    """Where chats are, and what that is called."""

    store: ChatStore
    collection: str


def chats(services: CommandServices) -> click.Command:
    """Make the command."""

    @click.command(short_help="List, show or delete the chats of assistants.")
    @click.argument("assistant", metavar="[ID]", required=False)
    @services.app_options
    @click.option(
        "--connection",
        metavar="NAME",
        help="The setting that names the storage account, as chatStorageConnectionSetting does.",
    )
    @click.option("--collection", help="Only the chats of this collection.")
    @click.option("--delete", "-d", is_flag=True, help="Delete the chat ID.")
    def chats(
        assistant: str | None,
        connection: str | None,
        collection: str | None,
        delete: bool,
        **given: Any,
    ) -> None:
        """List the app's assistants, or show or delete the chat of one.

        Chats are looked for where the app keeps them: in the folder .funcemu, or in the storage
        account that AzureWebJobsStorage or --connection names. PATH is the folder of the app
        (default: this one); it may stand alone.
        """
        if assistant is not None and given["path"] is None and Path(assistant).is_dir():
            assistant, given["path"] = None, assistant
        if delete and assistant is None:
            raise click.UsageError("Say which chat to delete: funcemu chats ID --delete")

        as_json = services.output(given) == "json"

        async def work(host: HostServices) -> None:
            extension = OpenAIExtension(host)
            try:
                places = await _places(extension, connection, collection)
                if assistant is None:
                    _list([(each, await each.store.chats()) for each in places], as_json)
                elif delete:
                    await _delete(places, assistant)
                else:
                    redactor = Redactor.of(host.settings, host.host_json)
                    await _show(places, assistant, as_json, redactor)
            finally:
                await extension.aclose()

        services.run(given, work)

    return chats


async def _places(
    extension: OpenAIExtension, connection: str | None, collection: str | None
) -> list[_Place]:
    """Return where to look: in the embedded store every collection, in an account the usual."""
    settings = extension.host.settings
    names = [collection or DEFAULT_COLLECTION]
    storage = extension.storage(settings, connection, names[0])
    if storage.reached is None and collection is None:
        names = await stored_collections(embedded_database(extension.host)) or names
    return [
        _Place(extension.open_store(extension.storage(settings, connection, name)), name)
        for name in names
    ]


def _list(found: Sequence[tuple[_Place, list[ChatSummary]]], as_json: bool) -> None:
    rows = [(place, each) for place, summaries in found for each in summaries]
    if as_json:
        _print_json([{"collection": p.collection, **_summary(each)} for p, each in rows])
        return
    if not rows:
        click.echo("No assistant has a chat.")
        return
    several = len(found) > 1
    names = [harmless(each.assistant) for _, each in rows]
    width = max(map(len, names))
    for name, (place, each) in zip(names, rows, strict=True):
        state = each.state
        told = f"{_count(state.total_messages)}, {state.total_tokens} tokens"
        where = f"  in {place.collection}" if several else ""
        updated = ticks_text(state.last_updated_at // 10_000_000 * 10_000_000)
        click.echo(f"{name.ljust(width)}  {updated}  {told}{where}")


async def _show(
    places: Sequence[_Place], assistant: str, as_json: bool, redactor: Redactor
) -> None:
    """Show a chat as it is stored, but for secrets of the settings that somebody wrote into it."""
    found = [chat for each in places if (chat := await each.store.load(storable(assistant)))]
    if not found:
        raise await _unknown(places, assistant)
    for chat in found:
        if as_json:
            state = AssistantState(chat.assistant, chat.state, chat.messages)
            _print_json(redactor.data(json.loads(state.to_json())))
        else:
            click.echo(harmless(redactor.text("\n".join(_lines(chat)))))


async def _delete(places: Sequence[_Place], assistant: str) -> None:
    rows = sum([await each.store.delete(storable(assistant)) for each in places])
    if not rows:
        raise await _unknown(places, assistant)
    click.echo(harmless(f"Deleted the chat '{assistant}' ({rows} rows)."))


async def _unknown(places: Sequence[_Place], assistant: str) -> BindingError:
    known = [each.assistant for place in places for each in await place.store.chats()]
    return BindingError(
        f"There is no chat of an assistant '{assistant}'.",
        hint=f"Assistants: {', '.join(known[:10]) or 'none'}. Case counts.",
        code="chat-unknown",
    )


def _lines(chat: Chat) -> Iterable[str]:
    state = chat.state
    yield f"{chat.assistant}: {_count(state.total_messages)}, {state.total_tokens} tokens"
    for message in chat.messages:
        yield ""
        moment = ticks_text(message.created_at // 10_000_000 * 10_000_000)
        yield f"[{message.number}] {message.role.lower()}  {moment}"
        if message.content:
            yield from (f"  {line}" for line in message.content.splitlines())
        for call in read_tool_calls(message.tool_calls):
            yield f"  → {call.name}({call.arguments})"


def _count(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages} messages"


def _summary(each: ChatSummary) -> dict[str, Any]:
    state = each.state
    return {
        "id": each.assistant,
        "createdAt": ticks_text(state.created_at),
        "lastUpdatedAt": ticks_text(state.last_updated_at),
        "totalMessages": state.total_messages,
        "totalTokens": state.total_tokens,
    }


def _print_json(value: Any) -> None:
    click.echo(harmless_json(json.dumps(value, ensure_ascii=False, indent=2)))
