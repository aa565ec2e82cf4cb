from __future__ import annotations

import pytest

from emulator.config.retry import parse_retry
from emulator.errors import ConfigError
from emulator.model import RetryPolicy


@pytest.mark.parametrize(
    ("raw", "policy"),
    [
        pytest.param(
            {"strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "00:00:05"},
            RetryPolicy("fixedDelay", 3, delay=5),
            id="fixed",
        ),
        pytest.param(
            {
                "strategy": "exponentialBackoff",
                "maxRetryCount": -1,
                "minimumInterval": "00:00:02",
                "maximumInterval": "00:01:00",
            },
            RetryPolicy("exponentialBackoff", -1, minimum=2, maximum=60),
            id="exponential",
        ),
        pytest.param(
            {"Strategy": "FIXEDDELAY", "MaxRetryCount": "2", "DelayInterval": "00:00:00"},
            RetryPolicy("fixedDelay", 2, delay=0),
            id="any case, texts",
        ),
        pytest.param(
            {
                "setting_name": "retry_policy",
                "strategy": "fixed_delay",
                "max_retry_count": "3",
                "delay_interval": "00:00:01",
            },
            RetryPolicy("fixedDelay", 3, delay=1),
            id="as the decorator writes it",
        ),
    ],
)
def test_reads_a_policy(raw: dict[str, object], policy: RetryPolicy) -> None:
    assert parse_retry(raw) == policy


def test_the_decorator_may_leave_out_the_limits() -> None:
    raw = {"strategy": "exponential_backoff", "max_retry_count": "5"}
    assert parse_retry(raw, lenient=True) == RetryPolicy(
        "exponentialBackoff", 5, minimum=0, maximum=2147483647
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "'retry' is an object with 'strategy' and 'maxRetryCount'"),
        ({}, "Value cannot be null. (Parameter 'strategy')"),
        ({"strategy": "often"}, "'often' is not a retry strategy"),
        ({"strategy": "fixedDelay"}, "Value cannot be null. (Parameter 'maxRetryCount')"),
        (
            {"strategy": "fixedDelay", "maxRetryCount": 1},
            "Value cannot be null. (Parameter 'delayInterval')",
        ),
        ({"strategy": "fixedDelay", "maxRetryCount": -2}, "maxRetryCount is -2"),
        ({"strategy": "fixedDelay", "maxRetryCount": "x"}, "'x' is not a number of retries"),
        (
            {"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "soon"},
            "delayInterval: 'soon' is not a time span; write hh:mm:ss or d.hh:mm:ss",
        ),
        (
            {"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "-00:00:01"},
            "delayInterval is negative: '-00:00:01'",
        ),
        (
            {"strategy": "exponentialBackoff", "maxRetryCount": 1, "maximumInterval": "00:00:01"},
            "Value cannot be null. (Parameter 'minimumInterval')",
        ),
        (
            {
                "strategy": "exponentialBackoff",
                "maxRetryCount": 1,
                "minimumInterval": "00:00:02",
                "maximumInterval": "00:00:01",
            },
            "The minimumInterval must not be greater than the maximumInterval.",
        ),
    ],
)
def test_says_what_is_wrong(raw: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_retry(raw)
    assert caught.value.message == message
    assert caught.value.code == "retry-invalid"
