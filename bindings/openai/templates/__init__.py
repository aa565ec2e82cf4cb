"""Small apps with the bindings of this package, for `funcemu init` and `funcemu new`."""

from __future__ import annotations

from emulator.sdk import Template

_BUNDLE = {
    "extensionBundle": {
        "id": "Microsoft.Azure.Functions.ExtensionBundle.Preview",
        "version": "[4.*, 5.0.0)",
    }
}
_CONNECTION = {
    "AzureOpenAI__Endpoint": "<https://your-resource.openai.azure.com/>",
    "AzureOpenAI__Key": "<your key>",
}
_CHAT_MODEL = {"CHAT_MODEL_DEPLOYMENT_NAME": "gpt-4o-mini"}
_EMBEDDINGS_MODEL = {"EMBEDDING_MODEL_DEPLOYMENT_NAME": "text-embedding-3-small"}

ASSISTANT = Template(
    summary="An assistant with a chat and two skills.",
    package="bindings.openai",
    folder="templates/assistant",
    name="assistant",
    settings={**_CHAT_MODEL, **_CONNECTION},
    host=_BUNDLE,
)
COMPLETION = Template(
    summary="A function that asks a chat model one thing.",
    package="bindings.openai",
    folder="templates/completion",
    name="whois",
    settings={**_CHAT_MODEL, **_CONNECTION},
    host=_BUNDLE,
)
EMBEDDINGS = Template(
    summary="A function that turns text into vectors.",
    package="bindings.openai",
    folder="templates/embeddings",
    name="embeddings",
    settings={**_EMBEDDINGS_MODEL, **_CONNECTION},
    host=_BUNDLE,
)
SEARCH = Template(
    summary="Documents are stored, and questions answered from them.",
    package="bindings.openai",
    folder="templates/search",
    name="documents",
    settings={
        **_CHAT_MODEL,
        **_EMBEDDINGS_MODEL,
        **_CONNECTION,
        "SearchEndpoint__endpoint": "<https://your-service.search.windows.net>",
        "SearchEndpoint__apiKey": "<your key>",
    },
    host={**_BUNDLE, "extensions": {"openai": {"searchProvider": {"type": "azureAISearch"}}}},
)
