"""What holds for every worker channel, for languages that have a module of their own.

It is said in `tests/contracts/test_worker_*.py`, and marked there with `every_language`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

_CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"


def statements(*as_well: str) -> dict[str, Any]:
    """Return the tests that hold in every language, and those named."""
    modules = [
        import_module(f"tests.contracts.{path.stem}")
        for path in sorted(_CONTRACTS.glob("test_worker_*.py"))
    ]
    tests = {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if name in as_well or hasattr(value, "every_language")
    }
    unknown = set(as_well) - set(tests)
    assert not unknown, unknown
    return tests
