"""Look for inputs that break a promise: `python -m tests.fuzz --minutes 30 [--target NAME]`.

With atheris (`pip install -e '.[fuzz]'`) inputs are guided by the coverage they reach, else
hypothesis makes them up. What is found is kept in tests/fuzz/findings with the command that
replays it; once it is mended, its input belongs into tests/fuzz/corpus.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.target import FINDINGS

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together")
    parser.add_argument("--target", action="append", help="only this one; may be repeated")
    parser.add_argument("--replay", type=Path, help="try one input; needs one --target")
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--mode", choices=["raw", "grammar"], help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.replay is not None or given.seconds is not None:
        # Here, because what is imported from now on is watched by atheris.
        from tests.fuzz.searching import replay, search

        if given.replay is not None:
            return replay(given.target[0], given.replay)
        return search(given.target[0], given.seconds, given.mode, given.report)
    from tests.fuzz.targets import TARGETS

    names = given.target or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(TARGETS)}")
    return _each(names, given.minutes * 60)


def _each(names: list[str], seconds: float) -> int:
    """Search each target twice, in processes of their own: with bytes, and with the grammar."""
    share = seconds / (2 * len(names))
    found = 0
    print(f"{'target':14} {'mode':8} {'seconds':>8} {'inputs':>10} {'findings':>8}", flush=True)
    for name in names:
        for mode in ("raw", "grammar"):
            with tempfile.TemporaryDirectory() as folder:
                report = Path(folder) / "report.json"
                command = [
                    sys.executable, "-m", "tests.fuzz", "--target", name, "--mode", mode,
                    "--seconds", str(share), "--report", str(report),
                ]  # fmt: skip
                log = FINDINGS / name / f"{mode}.log"
                log.parent.mkdir(parents=True, exist_ok=True)
                with log.open("w") as output:
                    code = subprocess.run(
                        command, cwd=ROOT, check=False, stdout=output, stderr=output,
                        env={**os.environ, "PYTHONPATH": str(ROOT)},
                    ).returncode  # fmt: skip
                told = json.loads(report.read_text()) if report.is_file() else {}
            found += told.get("findings", 1)
            print(
                f"{name:14} {mode:8} {told.get('seconds', 0):8.0f} {told.get('inputs', 0):10,} "
                f"{told.get('findings', f'died ({code}), see {log}')!s:>8}",
                flush=True,
            )
    for each in sorted(FINDINGS.glob("*/*.txt")):
        print(each.read_text().splitlines()[0])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
