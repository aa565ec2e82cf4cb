"""What the settings, host.json and the options give these bindings here and not on Azure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from bindings.openai.chats.accounts import DEFAULT_CONNECTION
from bindings.openai.connections import Unconnected, connect
from bindings.openai.embeddings.options import EmbeddingsOptions, effective_embeddings_model
from bindings.openai.options import (
    AssistantPostOptions,
    AssistantQueryOptions,
    ChatModelOptions,
)
from bindings.openai.placeholders import is_placeholder
from bindings.openai.vectors.connection import Unconnected as NoSearch
from bindings.openai.vectors.connection import find_connection
from bindings.openai.vectors.host_json import LOCAL_TYPE, search_provider
from emulator.sdk import Binding, BindingError, BindingModel, Deviation, SettingsView

BUNDLE = "Microsoft.Azure.Functions.ExtensionBundle.Preview"
_FIRST_BUNDLE = (4, 31)
"""The first version of the bundle with the names of today."""

ModelOf = Callable[[Binding[Any]], tuple[str, str] | None]
"""The name of a model and of a connection."""

_ADD_SETTING = "to Values of local.settings.json, and to the app settings on Azure"


def given(declared: BindingModel, name: str) -> Any:
    """Return a property as it was written; `None` when it is not there."""
    wanted = name.lower()
    return next(
        (value for key, value in declared.properties.items() if key.lower() == wanted), None
    )


def package(binding: Binding[Any], *resolved_here: str) -> Iterable[Deviation]:
    """Tell what every binding of this package needs; `resolved_here` are the properties in which
    only this host replaces `%SETTING%`."""
    services = binding.services
    if not binding.function.language.startswith("dotnet"):  # .NET gets extensions as packages
        yield from _bundle(services.host.host_json, services.host.app_root)
    for name in resolved_here:
        text = given(binding.declared, name)
        if isinstance(text, str) and "%" in text:
            yield Deviation(
                "setting-expression-local",
                f"'{name}' of the binding '{binding.declared.name}' is '{text}', and the setting "
                "is looked up",
                azure=f"The text '{text}' itself is taken as the name.",
                hint="Write the name itself.",
            )


def _bundle(host_json: Mapping[str, Any], app_root: Path) -> Iterable[Deviation]:
    bundle = next((host_json[key] for key in host_json if key.lower() == "extensionbundle"), None)
    if bundle is None and (app_root / "extensions.csproj").exists():
        return  # the extension is installed by name
    members = (
        {str(key).lower(): value for key, value in bundle.items()}
        if isinstance(bundle, Mapping)
        else {}
    )
    name, versions = str(members.get("id") or ""), str(members.get("version") or "")
    if name.lower() == BUNDLE.lower() and _has_extension(versions):
        return
    if not name:
        message = "host.json names no extension bundle"
    elif name.lower() != BUNDLE.lower():
        message = f"host.json names the extension bundle '{name}', which has no OpenAI bindings"
    else:
        message = f"The versions '{versions}' of the extension bundle do not reach {_shown()}"
    yield Deviation(
        "extension-bundle",
        message,
        azure="The binding types are not found, and the functions that use them are in error.",
        hint=f'Write "extensionBundle": {{"id": "{BUNDLE}", "version": "[4.*, 5.0.0)"}}.',
        whole_app=True,
    )


def _shown() -> str:
    return ".".join(map(str, _FIRST_BUNDLE))


def _has_extension(versions: str) -> bool:
    """Whether a range of versions, such as `[4.*, 5.0.0)`, reaches far enough."""
    bounds = re.findall(r"(\d+)\.?(\d+|\*)?[\d.*]*", versions)
    if not bounds:
        return False
    major, minor = bounds[-1]
    upper = (int(major), 1_000_000 if minor in {"", "*"} else int(minor))
    return upper > _FIRST_BUNDLE or (upper == _FIRST_BUNDLE and not versions.strip().endswith(")"))


def model_service(settings: SettingsView, connection_name: str) -> Iterable[Deviation]:
    """Tell where a model would be asked otherwise, or not at all."""
    key = settings.get("OPENAI_API_KEY") or ""
    if key:
        yield from _openai(settings, connection_name, is_placeholder(key))
        return
    found = connect(settings, connection_name)
    if isinstance(found, Unconnected):
        names = ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_KEY")
        if connection_name:
            names = (f"{connection_name}__Endpoint", f"{connection_name}__Key")
        shown = f"the connection '{connection_name}'" if connection_name else "models"
        yield Deviation(
            "model-unconnected",
            f"Nothing is asked for {shown}, and answers are made offline: {found.reason}",
            azure=f"Every call fails: Configuration section '{connection_name}' is missing "
            "required 'Endpoint' and/or 'Key' values."
            if found.reason.startswith("no ")
            else "What stands there is used as it is, and every call fails.",
            hint=f"Add {' and '.join(names)} {_ADD_SETTING}.",
            whole_app=True,
            to_fill_in=found.to_fill_in,
        )
    elif found.identity and settings.get("AZURE_OPENAI_KEY"):
        yield Deviation(
            "model-key-mixed",
            f"The connection '{connection_name}' names an identity, so AZURE_OPENAI_KEY is not "
            "used for it",
            azure="AZURE_OPENAI_KEY is sent to that endpoint, and the identity is not used.",
            hint="Unset AZURE_OPENAI_KEY.",
            whole_app=True,
        )


def _openai(settings: SettingsView, connection_name: str, placeholder: bool) -> Iterable[Deviation]:
    if placeholder:
        yield Deviation(
            "model-key-placeholder",
            "OPENAI_API_KEY is sample text and counts as nothing",
            azure="OpenAI is asked with that text as the key, and every call fails with 401.",
            hint="Give it a value, or remove it.",
            whole_app=True,
        )
        return
    if connection_name:
        yield Deviation(
            "model-connection-overridden",
            f"OPENAI_API_KEY is set, so the connection '{connection_name}' is not used",
            azure="The same where OPENAI_API_KEY is an app setting: OpenAI is asked.",
            hint="Unset OPENAI_API_KEY, or leave 'aiConnectionName' out.",
            whole_app=True,
        )
    if settings.get("OPENAI_BASE_URL"):
        yield Deviation(
            "model-base-url",
            "OPENAI_BASE_URL says where OpenAI is",
            azure="It is not read: https://api.openai.com/v1 is asked.",
            hint="For another service on Azure, use a connection of Azure OpenAI.",
            whole_app=True,
        )


def default_model(declared: BindingModel, name: str, placeholder: str) -> Iterable[Deviation]:
    """Tell of a model that nobody named: the library then sends the name of an enum's member."""
    if given(declared, name) != placeholder:
        return
    former = given(declared, "model")
    used = f"'model' ('{former}')" if former else "the default"
    argument = re.sub(r"([A-Z])", r"_\1", name).lower()
    yield Deviation(
        "model-default",
        f"The binding '{declared.name}' has no {argument}, and {used} is taken",
        azure=f"A model called '{placeholder}' is asked for, and every call fails with 404.",
        hint=f'Name it: {argument}="%CHAT_MODEL_DEPLOYMENT_NAME%".'
        if name == "chatModel"
        else f'Name it: {argument}="%EMBEDDING_MODEL_DEPLOYMENT_NAME%".',
    )


def one_model(binding: Binding[Any], kind: str, model_of: ModelOf) -> Iterable[Deviation]:
    """Tell of two models over one connection: Azure's extension keeps the client made first.

    `model_of` gives the model a binding asks and its connection, or nothing.
    """
    mine = model_of(binding)
    if mine is None:
        return
    one_client = bool(binding.services.settings.get("OPENAI_API_KEY"))
    before = [
        (other, theirs[0])
        for other in _before(binding)
        # With a key of OpenAI there is one client, whatever the connections are called.
        if (theirs := model_of(other)) is not None and (one_client or theirs[1] == mine[1])
    ]
    # Each model is told of once, by the first function that asks it.
    if not before or any(model == mine[0] for _, model in before):
        return
    first, model = before[0]
    yield Deviation(
        "model-first-wins",
        f"'{first.function.name}' asks the {kind} model '{model}' and "
        f"'{binding.function.name}' asks '{mine[0]}', over one connection",
        azure="Whichever is called first decides: its model is asked by both until the host "
        "restarts.",
        hint="Use one model for each connection, or one connection for each model.",
    )


def _before(binding: Binding[Any]) -> Iterable[Binding[Any]]:
    """Return the bindings that stand before this one in the app."""
    return takewhile(lambda other: other is not binding, binding.services.bound(Binding))


def one_place(
    binding: Binding[Any], what: str, place_of: Callable[[Binding[Any]], tuple[str, ...] | None]
) -> Iterable[Deviation]:
    """Tell of two places where Azure's extension keeps the client made first.

    `place_of` gives where a binding keeps things, or nothing.
    """
    mine = place_of(binding)
    if mine is None:
        return
    before = [
        (other, theirs) for other in _before(binding) if (theirs := place_of(other)) is not None
    ]
    # Each place is told of once, by the first function that uses it.
    if not before or any(place == mine for _, place in before):
        return
    first, place = before[0]
    yield Deviation(
        "place-first-wins",
        f"'{first.function.name}' and '{binding.function.name}' keep {what} in different "
        f"places: {', '.join(place)}; {', '.join(mine)}",
        azure="Whichever is called first decides: both use its place until the host restarts.",
        hint="Use one place in an app.",
    )


def chat_place(binding: Binding[Any]) -> tuple[str, ...] | None:
    """Return the connection setting and the table of a binding that has chats."""
    options = binding.options
    if not isinstance(options, (AssistantPostOptions, AssistantQueryOptions)):
        return None
    connection = options.chat_storage_connection_setting or DEFAULT_CONNECTION
    return connection, options.collection_name


def chat_model_of(binding: Binding[Any]) -> tuple[str, str] | None:
    """Return the chat model a binding asks, and over which connection."""
    options = binding.options
    if not isinstance(options, ChatModelOptions) or _stores(binding):
        return None
    return options.effective_model(), options.ai_connection_name


def embeddings_model_of(binding: Binding[Any]) -> tuple[str, str] | None:
    """Return the embeddings model a binding asks, and over which connection."""
    options = binding.options
    if not hasattr(options, "embeddings_model") or _stores(binding):
        return None
    former = options.model if isinstance(options, EmbeddingsOptions) else None
    model = effective_embeddings_model(options.embeddings_model, former)
    return model, options.ai_connection_name


def _stores(binding: Binding[Any]) -> bool:
    """Whether this is a search with the direction `out`, which asks no model."""
    return binding.type_name == "semanticSearch" and binding.declared.direction == "out"


def chat_storage(settings: SettingsView, connection: str | None) -> Iterable[Deviation]:
    """Tell of chats that are kept here although no storage account is named well enough."""
    name = connection or DEFAULT_CONNECTION
    # Without a name the extension looks at the connection string alone.
    uri = settings.section(name).get("tableserviceuri") if connection else None
    value = uri or settings.get(name) or ""
    if value and not is_placeholder(value):
        return
    needed = f"{name}__tableServiceUri" if connection and settings.section(name) else name
    yield Deviation(
        "chat-storage-missing",
        f"The setting '{needed}' is missing or sample text; chats do without it here",
        azure="Every call fails: Value cannot be null. (Parameter 'connectionString')",
        hint=f'Add "{name}": "UseDevelopmentStorage=true" to Values of local.settings.json, and a '
        "storage account to the app settings on Azure.",
        whole_app=True,
    )


def search_service(
    host_json: Mapping[str, Any], settings: SettingsView, connection_name: str
) -> Iterable[Deviation]:
    """Tell where documents would be kept otherwise, or not at all."""
    if "{" in connection_name:
        return
    try:
        provider = search_provider(host_json)
    except BindingError as error:
        yield Deviation(
            error.code,
            error.message,
            azure="The same: every call fails with that text.",
            hint=error.hint or "",
            whole_app=True,
        )
        return
    if provider.kind == LOCAL_TYPE:
        yield Deviation(
            "search-provider-local",
            f"host.json has the search provider '{LOCAL_TYPE}', which keeps documents on this "
            "machine",
            azure="There is no such provider: every call fails with 'No search provider is "
            "configured.'",
            hint="Name the provider of Azure; without its connection documents are kept here.",
            whole_app=True,
        )
        return
    found = find_connection(settings, connection_name)
    if isinstance(found, NoSearch):
        yield Deviation(
            "search-connection-missing",
            f"{found.reason}; documents of '{connection_name}' are kept on this machine",
            azure="What stands there is used as it is, and every call fails."
            if settings.get(connection_name) or settings.section(connection_name)
            else f"Every call fails: Configuration section or endpoint '{connection_name}' does "
            "not exist.",
            hint=f'Add "{connection_name}__Endpoint" {_ADD_SETTING}.',
            whole_app=True,
            to_fill_in=found.to_fill_in,
        )
