"""Hosts and services for the tests of the assistant bindings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support.model_service import ModelService
from tests.support.openai_host import OpenAIHost
from tests.support.todo_assistant import TodoAssistant


@pytest.fixture
async def make_host() -> AsyncIterator[Callable[..., OpenAIHost]]:
    """Make hosts that are given back at the end of the test."""
    hosts: list[OpenAIHost] = []

    def make(**values: Any) -> OpenAIHost:
        hosts.append(OpenAIHost(**values))
        return hosts[-1]

    yield make
    for host in hosts:
        await host.aclose()


@pytest.fixture
def host(make_host: Callable[..., OpenAIHost]) -> OpenAIHost:
    return make_host()


@pytest.fixture
async def service() -> AsyncIterator[ModelService]:
    async with ModelService().running() as running:
        yield running


@pytest.fixture
def todo(host: OpenAIHost, service: ModelService) -> TodoAssistant:
    """The to-do sample against the model service; its skills are added."""
    assistant = TodoAssistant(host, service)
    assistant.add_skills()
    return assistant
