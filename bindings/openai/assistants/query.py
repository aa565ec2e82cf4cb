"""The query binding: an assistant's state and the messages newer than a time.

Differences
- A missing or empty `timestampUtc` means every message; Azure fails the call.
- A time without zone is UTC; Azure takes it as the host's local time.
- An assistant nobody created is delivered as non-existent also before the first create.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from bindings.openai.assistants.state import AssistantState
from bindings.openai.chats.base import TICKS_PER_SECOND, storable, ticks
from bindings.openai.deviations import chat_place, chat_storage, given, one_place, package
from bindings.openai.extension import OpenAIExtension
from bindings.openai.options import AssistantQueryOptions
from emulator.sdk import BindingError, Call, Datum, Deviation, Input

_TIMESTAMP = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:[.,](?P<fraction>\d+))?\s*"
    # A literal '+' of an offset arrives as a space.
    r"(?P<zone>[Zz]|(?P<sign>[+ -])(?P<hours>\d{2}):?(?P<minutes>\d{2}))?)?"
)


_POSTS = frozenset({"assistantpost", "postuserquery", "chatbotpost"})


class AssistantQuery(Input[AssistantQueryOptions]):
    type_name = "assistantQuery"
    summary = "Delivers the state of an assistant and its messages since a time, as JSON."
    options_type = AssistantQueryOptions
    extension = OpenAIExtension
    # After the post of the same call, so that its answer is seen.
    order = 1

    def deviations(self) -> Iterable[Deviation]:
        yield from package(self, "chatStorageConnectionSetting")
        yield from chat_storage(
            self.services.settings, self.options.chat_storage_connection_setting
        )
        yield from one_place(self, "chats", chat_place)
        if any(
            each.type.lower() in _POSTS and each.direction == "in"
            for each in self.function.bindings
        ):
            yield Deviation(
                "assistant-query-beside-post",
                f"The binding '{self.declared.name}' is read after the post of the same function",
                azure="Both are read at the same time, and the query may lack the answer.",
                hint="Take the answer from the post, or query in a function of its own.",
            )
        if not given(self.declared, "timestampUtc"):
            yield Deviation(
                "assistant-query-timestamp",
                f"The binding '{self.declared.name}' has no timestampUtc; every message is "
                "delivered",
                azure="Every call fails, as an empty text is no time.",
                hint="Give one, such as '{Query.timestampUTC}' or '2023-01-01T00:00:00Z'.",
            )

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        extension: OpenAIExtension = self.shared
        extension.uses_storage(self, self.options.chat_storage_connection_setting)

    async def read(self, call: Call) -> Datum:
        options: AssistantQueryOptions = call.options
        since = parse_timestamp(options.timestamp_utc)
        extension: OpenAIExtension = self.shared
        storage = extension.storage(
            self.services.settings,
            options.chat_storage_connection_setting,
            options.collection_name,
        )
        chat = await extension.open_store(storage).load(storable(options.id), since=since)
        if chat is None:
            call.log("Information", f"No assistant exists with ID = '{options.id}'")
            return Datum("json", AssistantState(options.id).to_json())
        call.log(
            "Information",
            f"Returning {len(chat.messages)}/{chat.state.total_messages} chat messages "
            f"from entity '{options.id}'",
        )
        return Datum("json", AssistantState(options.id, chat.state, chat.messages).to_json())


def parse_timestamp(text: str) -> int | None:
    """Return the time as ticks, `None` for an empty text."""
    plain = unquote(text).strip()
    if not plain:
        return None
    match = _TIMESTAMP.fullmatch(plain)
    if match is None:
        raise _invalid(text)
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}")
    except ValueError:
        raise _invalid(text) from None
    fraction = int((match["fraction"] or "")[:7].ljust(7, "0"))
    return ticks(moment.replace(tzinfo=UTC)) + fraction - _offset(match)


def _offset(match: re.Match[str]) -> int:
    if match["hours"] is None:
        return 0
    seconds = int(match["hours"]) * 3600 + int(match["minutes"]) * 60
    return (-seconds if match["sign"] == "-" else seconds) * TICKS_PER_SECOND


def _invalid(text: str) -> BindingError:
    return BindingError(
        f"Invalid timestamp '{text}'",
        hint="Use ISO 8601, such as 2026-01-31T08:00:00Z.",
        code="timestamp-invalid",
    )
