"""The embeddings binding: a text, file or web page in chunks, each with its vector.

Differences
- Without a connection to a model service the vectors are made from words alone, so that texts
  with words in common are near each other.
- More chunks than a service takes at once are sent in several requests and delivered as one
  answer; Azure's extension fails (`FUNCEMU_EMBEDDINGS_BATCH`, default 2048).
- `FUNCEMU_EMBEDDINGS_FORMAT=array` delivers vectors as numbers instead of base64 text.
- `FilePath` reads files of the app's folder, none whose name begins with a dot, and those below the
  folders in `FUNCEMU_EMBEDDINGS_FILES_ROOT`; Azure reads what the process can. `Url` reads public
  https pages, http ones of this machine, and what `FUNCEMU_EMBEDDINGS_URL_HOSTS` lists.
- No end of a text is lost: Azure drops what follows the last sentence or word end, and sometimes
  the rest of a long text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os.path import isabs
from typing import Any

from bindings.openai.deviations import (
    default_model,
    embeddings_model_of,
    given,
    model_service,
    one_model,
    package,
)
from bindings.openai.embeddings.batches import embed_texts
from bindings.openai.embeddings.chunking import chunks
from bindings.openai.embeddings.context import EmbeddingsContext, VectorFormat
from bindings.openai.embeddings.inputs import InputType, read_input
from bindings.openai.embeddings.options import LIBRARY_EMBEDDINGS_MODEL, EmbeddingsOptions
from bindings.openai.embeddings.rules import InputRules
from bindings.openai.extension import OpenAIExtension
from emulator.sdk import (
    Binding,
    BindingError,
    Call,
    Datum,
    Deviation,
    Input,
    Services,
    SettingsView,
)

FORMAT_SETTING = "FUNCEMU_EMBEDDINGS_FORMAT"


class Embeddings(Input[EmbeddingsOptions]):
    type_name = "embeddings"
    summary = "Delivers the chunks of a text, file or web page with their vectors, as JSON."
    options_type = EmbeddingsOptions
    option_aliases = {"model": "embeddingsModel"}
    extension = OpenAIExtension

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        self._input_type = InputType.parse(self.options.input_type)
        extension: OpenAIExtension = self.shared
        extension.uses_connection(self, self.options.ai_connection_name)

    def deviations(self) -> Iterable[Deviation]:
        yield from package(self, "aiConnectionName")
        yield from embedding_deviations(self)

    def missing_names(self) -> Sequence[str]:
        extension: OpenAIExtension = self.shared
        return extension.models.missing(self.services.settings, self.options.ai_connection_name)

    async def read(self, call: Call) -> Datum:
        vectors = vector_format(self.services.settings)
        context = await embed_input(
            call, self._input_type, services=self.services, extension=self.shared
        )
        return Datum("json", context.to_json(vectors))


def embedding_deviations(binding: Binding[Any]) -> Iterable[Deviation]:
    """Tell what the options of embeddings give here and not on Azure."""
    options: EmbeddingsOptions = binding.options
    name = binding.declared.name
    yield from model_service(binding.services.settings, options.ai_connection_name)
    yield from default_model(binding.declared, "embeddingsModel", LIBRARY_EMBEDDINGS_MODEL)
    yield from one_model(binding, "embeddings", embeddings_model_of)
    kind = InputType.parse(options.input_type)
    written = str(given(binding.declared, "inputType"))
    if "_" in written:
        yield Deviation(
            "embeddings-input-type",
            f"The binding '{name}' has the inputType '{written}', taken as '{kind.value}'",
            azure="There is no such value, and the function is in error.",
            hint=f"Write '{kind.value}'.",
        )
    if kind is InputType.FILE_PATH and "{" not in options.input and not isabs(options.input):
        yield Deviation(
            "embeddings-file-path",
            f"The binding '{name}' reads the file '{options.input}' of the app's folder",
            azure="The path starts at the host's own folder, and the file is not found.",
            hint="Read the file in the function, and embed it as RawText.",
        )
    if kind is InputType.URL and options.input.lower().startswith("http://"):
        yield Deviation(
            "embeddings-url",
            f"The binding '{name}' reads from '{options.input}'",
            azure=f"Every call fails: Invalid Url: {options.input}. Ensure it is a valid https "
            "Url.",
            hint="Serve it with https.",
        )


async def embed_input(
    call: Call, kind: InputType, *, services: Services, extension: OpenAIExtension
) -> EmbeddingsContext:
    """Read, cut and embed what the call's options name."""
    options: EmbeddingsOptions = call.options
    settings = services.settings
    rules = InputRules.of(services.host.app_root, settings)
    text = await read_input(kind, options.input, rules)
    texts = chunks(text, max_length=options.max_chunk_length, max_overlap=options.max_overlap)
    if not texts:
        raise BindingError(
            "Input cannot be null or empty.",
            hint="It holds nothing but white space.",
            code="embeddings-input-empty",
        )
    reply = await embed_texts(
        texts,
        model=options.effective_model(),
        backend=extension.models.embeddings(settings, options.ai_connection_name),
        settings=settings,
        host=services.host,
        call=call,
        tally=extension.models.tally,
    )
    return EmbeddingsContext(tuple(texts), reply)


def vector_format(settings: SettingsView) -> VectorFormat:
    """Return how vectors are delivered."""
    text = (settings.get(FORMAT_SETTING) or "base64").strip().lower()
    if text == "base64":
        return "base64"
    if text == "array":
        return "array"
    raise BindingError(
        f"The setting {FORMAT_SETTING} should be 'base64' or 'array', not '{text}'.",
        code="setting-invalid",
    )
