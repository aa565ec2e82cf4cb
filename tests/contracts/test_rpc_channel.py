"""What every worker channel does, over gRPC: the statements that hold in every language.

Those about Python alone are left to our own worker for it, which they are about.
"""

from __future__ import annotations

import pytest

from tests.support.statements import statements

AS_WELL = (
    "test_generic_inputs_arrive_as_they_are",
    "test_bytes_pass_untouched_and_large",
    "test_native_types_are_made_by_the_sdk",
    "test_native_outputs_are_encoded_by_the_sdk",
    "test_an_http_output_with_a_name",
)
"""Statements about values that cross the protocol, in the words of Python."""

pytestmark = pytest.mark.parametrize("kind", ["rpc"])

globals().update(statements(*AS_WELL))
