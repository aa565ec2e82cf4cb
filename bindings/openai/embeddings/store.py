"""The embeddings store binding: chunks and their vectors go to the app's search provider.

Differences
- `title` is found whatever its case, and one level down, where the samples for Java put it.
- `%SETTING%` works in `storeConnectionName` and `collection`.
- What is read and how it is cut is as for `embeddings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bindings.openai.deviations import package, search_service
from bindings.openai.embeddings.generate import embed_input, embedding_deviations
from bindings.openai.embeddings.inputs import InputType
from bindings.openai.embeddings.options import EmbeddingsStoreOptions
from bindings.openai.extension import OpenAIExtension
from bindings.openai.vectors.documents import Given, given_documents, store_chunks
from emulator.sdk import Call, Datum, Deviation, Output, json_datum


class EmbeddingsStore(Output[EmbeddingsStoreOptions]):
    type_name = "embeddingsStore"
    summary = "Stores the chunks of a text, file or web page where semanticSearch finds them."
    options_type = EmbeddingsStoreOptions
    option_aliases = {"model": "embeddingsModel", "connectionName": "storeConnectionName"}
    extension = OpenAIExtension
    sample = json_datum({"title": "handbook.pdf"})

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        self._input_type = InputType.parse(self.options.input_type)
        extension: OpenAIExtension = self.shared
        extension.uses_connection(self, self.options.ai_connection_name)
        extension.uses_search(self, self.options.store_connection_name)

    def deviations(self) -> Iterable[Deviation]:
        services = self.services
        yield from package(self, "aiConnectionName", "storeConnectionName", "collection")
        yield from embedding_deviations(self)
        yield from search_service(
            services.host.host_json, services.settings, self.options.store_connection_name
        )

    def missing_names(self) -> Sequence[str]:
        extension: OpenAIExtension = self.shared
        return extension.models.missing(self.services.settings, self.options.ai_connection_name)

    async def write(self, call: Call, value: Datum) -> None:
        given: list[Given] = given_documents(value)
        if not given:
            return
        options: EmbeddingsStoreOptions = call.options
        extension: OpenAIExtension = self.shared
        # Before anything is embedded: a store that is not there must not cost tokens.
        store = extension.vectors.open(
            self.services.settings, options.store_connection_name, options.collection
        )
        context = await embed_input(
            call, self._input_type, services=self.services, extension=extension
        )
        chunks = list(zip(context.texts, context.reply.vectors, strict=True))
        for document in given:
            await store_chunks(
                chunks,
                title=document.title,
                store=store,
                collection=options.collection,
                host=extension.host,
                call=call,
            )
