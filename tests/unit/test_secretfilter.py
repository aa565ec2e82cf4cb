"""Secrets are taken out of texts that are kept."""

from __future__ import annotations

import pytest

from emulator.secrets import MASK, SecretFilter


def test_values_of_secret_settings_are_masked_the_longest_first() -> None:
    clean = SecretFilter([("A_KEY", "abcdef"), ("B_TOKEN", "abcdefgh"), ("NAME", "visible")])
    assert clean("abcdefgh abcdef visible") == f"{MASK} {MASK} visible"


def test_short_values_are_words_and_stay() -> None:
    assert SecretFilter([("A_KEY", "on")])("on and on") == "on and on"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AccountName=x;AccountKey=abc/+==;Y=z", f"AccountName=x;AccountKey={MASK};Y=z"),
        ("GET /api/x?code=s3cret&name=y", f"GET /api/x?code={MASK}&name=y"),
        ("https://a/b?sv=1&sig=s3cret", f"https://a/b?sv=1&sig={MASK}"),
        ("Authorization: Bearer abc.def-ghi", f"Authorization: Bearer {MASK}"),
        ("key sk-abcdefghijklmnop1234 here", f"key {MASK} here"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, shown: str) -> None:
    assert SecretFilter([])(text) == shown
