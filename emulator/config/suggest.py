"""Names that were probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return `Did you mean 'x'?` for the known name nearest to `name`, if one is near."""
    # difflib costs 5 ms to import and is needed only when something is wrong
    import difflib

    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f"Did you mean '{by_lower[near[0]]}'?" if near else None
