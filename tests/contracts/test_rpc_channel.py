"""What every worker channel does, over gRPC: the statements of `test_worker_channel.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts import test_worker_channel as contract

OTHERWISE = {
    "test_start_says_who_answers": "no worker tells the version of the app's library",
    "test_the_index_lists_functions_with_their_raw_bindings": "nor file and line of a function",
    "test_what_an_http_function_may_answer": "headers lose their order, cookies are fields",
    "test_outputs_and_returns_without_http": "whole numbers have 64 bits, lists one kind",
    "test_an_injected_output_delivers_a_value": "an output delivers nothing to official workers",
}
"""Statements that do not hold over this protocol, and why."""

pytestmark = pytest.mark.parametrize("kind", ["rpc"])


def _statements() -> dict[str, Any]:
    return {
        name: test
        for name, test in vars(contract).items()
        if name.startswith("test_") and name not in OTHERWISE
    }


globals().update(_statements())
