"""Each target with its corpus, and with inputs that are made up: the same ones each time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.target import Check, Target, bounded
from tests.fuzz.targets import TARGETS


@pytest.fixture(scope="module", params=TARGETS.values(), ids=TARGETS)
def opened(request: pytest.FixtureRequest) -> Iterator[tuple[Target, Check]]:
    target: Target = request.param
    with target.opened() as check:
        yield target, check


def test_what_was_found_before_stays_mended(opened: tuple[Target, Check]) -> None:
    target, check = opened
    assert target.corpus, f"there is no folder tests/fuzz/corpus/{target.name} with inputs"
    for file in target.corpus:
        try:
            with bounded(target.seconds):
                check(file.read_bytes())
        except Exception as error:
            error.add_note(f"the input: {Path(file)}")
            raise


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_made_up_inputs_keep_the_promises(opened: tuple[Target, Check]) -> None:
    target, check = opened

    @seed(7)
    @settings(
        max_examples=target.examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs())
    def holds(data: bytes) -> None:
        with bounded(target.seconds):
            check(data)

    holds()
