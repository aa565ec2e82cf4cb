"""One target for a while: inputs from atheris or from hypothesis, findings kept and gone on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.target import FINDINGS, Check, Target, bounded

_LONGEST = 100_000


class Search:
    """Tries inputs until the time is up, and keeps what they find."""

    def __init__(self, target: Target, check: Check, seconds: float) -> None:
        self._target = target
        self._check = check
        self._began = time.monotonic()
        self._until = self._began + seconds
        self._known: set[str] = set()
        self.inputs = 0
        self.over: Callable[[], None] = lambda: None

    def try_one(self, data: bytes) -> None:
        self.inputs += 1
        try:
            with bounded(self._target.seconds):
                self._check(data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever comes out is what is looked for
            self._keep(data, error)
        if time.monotonic() > self._until:
            self.over()

    def report(self) -> dict[str, Any]:
        spent = time.monotonic() - self._began
        return {"inputs": self.inputs, "seconds": spent, "findings": len(self._known)}

    def _keep(self, data: bytes, error: BaseException) -> None:
        places = traceback.extract_tb(error.__traceback__)
        where = "".join(f"{place.filename}:{place.lineno}" for place in places[-3:])
        name = hashlib.sha256(f"{type(error).__name__}{where}".encode()).hexdigest()[:10]
        if name in self._known:
            return
        self._known.add(name)
        folder = FINDINGS / self._target.name
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        file.write_bytes(data)
        command = f"python -m tests.fuzz --target {self._target.name} --replay {file}"
        told = "".join(traceback.format_exception(error))
        (folder / f"{name}.txt").write_text(
            f"{command}  # {type(error).__name__}: {str(error)[:150]!r}\n\n{told}",
            errors="backslashreplace",
        )


def replay(name: str, file: Path) -> int:
    """Try one input, and let out what it finds."""
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    with target.opened() as check, bounded(target.seconds):
        check(file.read_bytes())
    print(f"{file} finds nothing any more.")
    return 0


def search(name: str, seconds: float, mode: str, report: Path) -> int:
    guided = importlib.util.find_spec("atheris") is not None
    if guided:
        import atheris  # only this command needs it

        with atheris.instrument_imports(include=["emulator", "bindings"]):
            from tests.fuzz.targets import TARGETS
    else:
        from tests.fuzz.targets import TARGETS
    _limit_memory()
    target = TARGETS[name]
    with target.opened() as check:
        work = Search(target, check, seconds)
        if not guided:
            _made_up(work, target, mode, report)
            return 0

        def over() -> None:
            # libFuzzer does not return; nothing here needs to be closed properly.
            report.write_text(json.dumps(work.report()))
            os._exit(0)

        work.over = over
        kept = FINDINGS / name / ".corpus" / mode
        kept.mkdir(parents=True, exist_ok=True)
        seeds = [str(each) for each in ([kept, *(p.parent for p in target.corpus[:1])])]
        if mode == "grammar":
            try_one, seeds = _by_grammar(work, target), seeds[:1]
        else:
            try_one = work.try_one
        # What libFuzzer itself keeps, such as slow inputs, belongs with the rest.
        options = [f"-artifact_prefix={FINDINGS / name}/", "-report_slow_units=60"]
        options += [f"-max_len={_LONGEST}", "-timeout=60", "-rss_limit_mb=0", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, *seeds], try_one)
        atheris.Fuzz()
    return 1


def _by_grammar(work: Search, target: Target) -> Callable[[bytes], None]:
    """Let the bytes decide what the grammar makes."""

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(target.inputs())
    def holds(data: bytes) -> None:
        work.try_one(data)

    fuzz: Callable[[bytes], None] = holds.hypothesis.fuzz_one_input  # type: ignore[attr-defined]
    return lambda data: (fuzz(data), None)[1]


class _Over(BaseException):
    """The time is up."""


def _made_up(work: Search, target: Target, mode: str, report: Path) -> None:
    def over() -> None:
        raise _Over

    work.over = over
    made = target.inputs() if mode == "grammar" else target.inputs().map(bytes)
    try:
        while True:
            number = random.getrandbits(64)

            @seed(number)
            @settings(
                max_examples=10_000,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(made)
            def holds(data: bytes) -> None:
                work.try_one(data)

            holds()
    except _Over:
        report.write_text(json.dumps(work.report()))


def _limit_memory() -> None:
    """Let an input that takes all memory be a `MemoryError`, which is a finding."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = 4 << 30
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
