"""The semantic search binding: finds documents near a question and lets a model answer from them.

Differences
- A collection in which nothing is stored finds nothing when the local store serves.
- Direction `out`, the form before 0.15, stores what the function hands over: a `title` and a ready
  `embeddingsContext`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bindings.openai.asking import ask
from bindings.openai.deviations import (
    chat_model_of,
    default_model,
    embeddings_model_of,
    model_service,
    one_model,
    package,
    search_service,
)
from bindings.openai.embeddings.batches import embed_texts
from bindings.openai.embeddings.context import escaped_json, read_context
from bindings.openai.embeddings.options import (
    DEFAULT_EMBEDDINGS_MODEL,
    LIBRARY_EMBEDDINGS_MODEL,
    effective_embeddings_model,
)
from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.base import ChatReply
from bindings.openai.options import LIBRARY_CHAT_MODEL, ChatModelOptions
from bindings.openai.vectors.base import Hit, VectorStore
from bindings.openai.vectors.documents import given_documents, store_chunks
from emulator.sdk import BindingError, Call, Datum, Deviation, Input, Output, Resolved

DEFAULT_SYSTEM_PROMPT = """\
You help a person who has questions about the emails and documents of their organisation.
Answer from the documents below. When they do not cover the question, say that you do not know, or
that you have no access to what it would take; never make something up.

Each document is on a line of its own, in the form [filename]: [text]. When you used one, end your
answer with a separate line "Reference: <file>" that names it.

The documents:
"""

_LINE_BREAKS = re.compile(r"\r\n|[\r\n]")


class SemanticSearchOptions(ChatModelOptions, frozen=True, kw_only=True):
    search_connection_name: Resolved
    collection: Resolved
    query: Resolved = ""
    embeddings_model: Resolved | None = DEFAULT_EMBEDDINGS_MODEL
    system_prompt: Resolved = DEFAULT_SYSTEM_PROMPT
    max_knowledge_count: int = 1


class SemanticSearch(Input[SemanticSearchOptions], Output[SemanticSearchOptions]):
    type_name = "semanticSearch"
    summary = "Delivers a chat model's answer from the documents nearest to a query, as JSON."
    options_type = SemanticSearchOptions
    option_aliases = {
        "connectionName": "searchConnectionName",
        "maxKnowledgeLength": "maxKnowledgeCount",
    }
    extension = OpenAIExtension

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        extension: OpenAIExtension = self.shared
        if "{" not in self.options.search_connection_name:
            extension.uses_search(self, self.options.search_connection_name)
        if self.declared.direction == "in":
            extension.uses_connection(self, self.options.ai_connection_name)

    def deviations(self) -> Iterable[Deviation]:
        settings = self.services.settings
        name = self.options.search_connection_name
        yield from package(self, "aiConnectionName")
        yield from search_service(self.services.host.host_json, settings, name)
        if self.declared.direction == "out":
            yield Deviation(
                "semantic-search-out",
                f"The binding '{self.declared.name}' of type 'semanticSearch' has the direction "
                "'out' and stores documents",
                azure="'semanticSearch' only searches, and a value the function sets fails the "
                "call.",
                hint="Use the type 'embeddingsStore', which makes the embeddings itself.",
            )
            return
        yield from model_service(settings, self.options.ai_connection_name)
        yield from default_model(self.declared, "chatModel", LIBRARY_CHAT_MODEL)
        yield from default_model(self.declared, "embeddingsModel", LIBRARY_EMBEDDINGS_MODEL)
        yield from one_model(self, "chat", chat_model_of)
        yield from one_model(self, "embeddings", embeddings_model_of)

    def missing_names(self) -> Sequence[str]:
        extension: OpenAIExtension = self.shared
        return extension.models.missing(self.services.settings, self.options.ai_connection_name)

    async def read(self, call: Call) -> Datum:
        options: SemanticSearchOptions = call.options
        store = self._open(options)
        if not options.query:
            raise BindingError(
                "The query must be specified.",
                hint="Check what the expressions in 'query' stand for in this request.",
                code="search-query-empty",
            )
        hits = await self._find(store, call)
        messages = [
            {"role": "system", "content": system_message(options.system_prompt, hits)},
            {"role": "user", "content": options.query},
        ]
        reply = await ask(
            messages,
            options=options,
            extension=self.shared,
            settings=self.services.settings,
            call=call,
            documents=[(hit.title, hit.text) for hit in hits],
        )
        if not reply.content:
            raise BindingError(
                f"The model answered without text (finish_reason '{reply.finish_reason}'), so "
                "there is no response to deliver.",
                code="search-answer-empty",
            )
        value = {
            "Embeddings": {"request": [options.query], "count": 0},
            "Chat": reply.raw or chat_completion(reply, options.effective_model(), self._now()),
            "Response": reply.content,
        }
        return Datum("json", escaped_json(value))

    async def write(self, call: Call, value: Datum) -> None:
        """Store documents whose vectors the function brings along (the form before 0.15)."""
        options: SemanticSearchOptions = call.options
        store = self._open(options)
        for document in given_documents(value):
            if document.context is None:
                raise BindingError(
                    "A 'semanticSearch' with the direction 'out' stores only documents that come "
                    "with their 'embeddingsContext'.",
                    hint="Use the type 'embeddingsStore', which makes the embeddings itself.",
                    code="search-output-without-context",
                )
            await store_chunks(
                read_context(document.context),
                title=document.title,
                store=store,
                collection=options.collection,
                host=self.services.host,
                call=call,
            )

    def _open(self, options: SemanticSearchOptions) -> VectorStore:
        extension: OpenAIExtension = self.shared
        return extension.vectors.open(
            self.services.settings, options.search_connection_name, options.collection
        )

    async def _find(self, store: VectorStore, call: Call) -> list[Hit]:
        options: SemanticSearchOptions = call.options
        extension: OpenAIExtension = self.shared
        host = extension.host
        settings = self.services.settings
        reply = await embed_texts(
            [options.query],
            model=effective_embeddings_model(options.embeddings_model),
            backend=extension.models.embeddings(settings, options.ai_connection_name),
            settings=settings,
            host=host,
            call=call,
            tally=extension.models.tally,
            single=True,
        )
        started = host.clock.monotonic()
        hits = await store.search(
            options.collection, reply.vectors[0], options.query, top=options.max_knowledge_count
        )
        host.record(
            "openai",
            "documents-searched",
            call=call,
            data={
                "function": call.function.name,
                "store": store.name,
                "collection": options.collection,
                "hits": [{"title": hit.title, "score": hit.score} for hit in hits],
                "duration": host.clock.monotonic() - started,
            },
        )
        if not hits:
            call.log(
                "Warning",
                f"No document was found in the collection '{options.collection}' ({store.name}).",
            )
        return hits

    def _now(self) -> int:
        return int(self.services.host.clock.now().timestamp())


def system_message(prompt: str, hits: Sequence[Hit]) -> str:
    """Return the prompt with a line for each document that was found."""
    lines = [f"{_one_line(hit.title)}: {_one_line(hit.text)}\n" for hit in hits]
    return f"{prompt}\n{''.join(lines)}"


def chat_completion(reply: ChatReply, model: str, created: int) -> Mapping[str, Any]:
    """Return the chat completion a service would have sent, for a reply that none sent."""
    return {
        "id": "chatcmpl-local",
        "choices": [
            {
                "finish_reason": reply.finish_reason,
                "index": 0,
                "message": {"content": reply.content, "role": "assistant"},
            }
        ],
        "created": created,
        "model": model,
        "object": "chat.completion",
        "usage": {
            "completion_tokens": reply.usage.completion,
            "prompt_tokens": reply.usage.prompt,
            "total_tokens": reply.usage.total,
        },
    }


def _one_line(text: str) -> str:
    return _LINE_BREAKS.sub(" ", text)
