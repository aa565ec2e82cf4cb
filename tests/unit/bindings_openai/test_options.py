"""The assistant bindings as the host finds them: types, aliases, defaults, imports."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bindings.openai.assistants.create import AssistantCreate
from bindings.openai.assistants.post import AssistantPost
from bindings.openai.assistants.query import AssistantQuery
from bindings.openai.assistants.skills import AssistantSkillTrigger
from bindings.openai.options import AssistantPostOptions
from emulator.invocation.options import bind_options
from emulator.model import BindingModel, Direction
from emulator.registry import BindingRegistry


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("assistantCreate", AssistantCreate),
        ("createAssistant", AssistantCreate),
        ("chatBotCreate", AssistantCreate),
        ("assistantPost", AssistantPost),
        ("PostUserQuery", AssistantPost),
        ("postUserQuery", AssistantPost),
        ("chatBotPost", AssistantPost),
        ("ASSISTANTQUERY", AssistantQuery),
        ("chatBotQuery", AssistantQuery),
        ("chatBotState", AssistantQuery),
        ("assistantSkillTrigger", AssistantSkillTrigger),
    ],
)
def test_every_name_of_a_type_is_found(written: str, kind: type[Any]) -> None:
    registered = BindingRegistry().find(written)
    assert registered is not None
    assert registered.kind is kind
    assert registered.is_alias is (written.lower() != kind.type_name.lower())


def options(**properties: Any) -> AssistantPostOptions:
    declared = BindingModel("state", "assistantPost", Direction.IN, None, properties)
    bound = bind_options(
        AssistantPostOptions,
        declared,
        aliases=AssistantPost.option_aliases,
        setting={"NAME": "value"}.get,
    ).constant
    assert isinstance(bound, AssistantPostOptions)
    return bound


def test_defaults_are_azures() -> None:
    bound = options(id="a1", userMessage="Hello")
    assert bound.effective_model() == "gpt-3.5-turbo"
    assert (bound.temperature, bound.top_p, bound.max_tokens) == ("0.5", None, "100")
    assert (bound.is_reasoning_model, bound.ai_connection_name) == (False, "")
    assert (bound.collection_name, bound.chat_storage_connection_setting) == ("ChatState", None)


def test_keys_have_no_case_and_values_take_the_shapes_azure_takes() -> None:
    bound = options(
        ID=5,
        USERMESSAGE="Hello",
        aiconnectionname="%NAME%",
        MaxTokens=100,
        isReasoningModel="True",
        unknown=1,
    )
    assert (bound.id, bound.max_tokens, bound.is_reasoning_model) == ("5", "100", True)
    assert bound.ai_connection_name == "value"


@pytest.mark.parametrize("module", ["create", "post", "query", "skills"])
def test_loading_a_binding_loads_no_heavy_library(module: str) -> None:
    code = (
        f"import sys, bindings.openai.assistants.{module}; "
        "print(sorted({'openai', 'azure', 'yaml', 'numpy', 'httpx2', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_answering_offline_loads_no_heavy_library() -> None:
    code = """
import asyncio, sys
from bindings.openai.models.base import ChatRequest
from bindings.openai.models.deterministic import DeterministicBackend
from emulator.clock import SystemClock
request = ChatRequest("m", [{"role": "user", "content": "Hello"}])
asyncio.run(DeterministicBackend(SystemClock()).chat(request))
print(sorted({'openai', 'azure', 'yaml', 'numpy', 'httpx2'} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
