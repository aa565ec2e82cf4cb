"""What the embeddings bindings are configured with: Azure's names and defaults."""

from __future__ import annotations

from emulator.sdk import Options, Resolved, SettingText

DEFAULT_EMBEDDINGS_MODEL = "text-embedding-ada-002"

# The Python library's decorators serialize the member name of an enum instead of its value
# (azure-functions 1.24 to 1.26).
LIBRARY_EMBEDDINGS_MODEL = "DefaultEmbeddingsModel"


class EmbeddingsOptions(Options, frozen=True, kw_only=True):
    input: Resolved
    input_type: str
    embeddings_model: Resolved | None = DEFAULT_EMBEDDINGS_MODEL
    model: Resolved | None = None
    """The name of `embeddings_model` before 0.19, which old decorators still send beside it."""
    ai_connection_name: SettingText = ""
    max_chunk_length: int = 8192
    max_overlap: int = 128

    def effective_model(self) -> str:
        return effective_embeddings_model(self.embeddings_model, self.model)


class EmbeddingsStoreOptions(EmbeddingsOptions, frozen=True, kw_only=True):
    store_connection_name: SettingText
    collection: SettingText


def effective_embeddings_model(given: str | None, former: str | None = None) -> str:
    """Return the model or deployment to ask; `former` is the option's name before 0.19."""
    if given is None or given == LIBRARY_EMBEDDINGS_MODEL:
        return former or DEFAULT_EMBEDDINGS_MODEL
    return given
