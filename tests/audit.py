"""Known vulnerabilities of what an installation would get today: `python -m tests.audit`.

pip-audit, in an environment of its own, asks the service of PyPI (or `--service osv`). Needs the
network of others, so it is no part of `make test`. A package that could not be looked up counts
as a failure: saying nothing about it would look like good news.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".venv" / "audit"
EXTRAS = ("numpy", "tables", "search", "cosmos", "mongo", "kusto", "uvloop")


def main(arguments: list[str]) -> int:
    python = TOOLS / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(TOOLS, with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", "--upgrade", "pip-audit"]
    if subprocess.run(install, check=False).returncode != 0:
        print("pip-audit cannot be installed.")
        return 1
    service = ["--vulnerability-service", "osv"] if "osv" in arguments else []
    with_extras = f"{ROOT}[{','.join(EXTRAS)}]"
    resolved = TOOLS / "resolved.txt"
    report = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
         "--report", "-", with_extras],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if report.returncode != 0:
        print(report.stderr)
        return 1
    resolved.write_text("\n".join(_pins(report.stdout)), "utf-8")
    audit = [python, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip"]
    return subprocess.run([*audit, *service, "-r", resolved], check=False).returncode


def _pins(report: str) -> list[str]:
    found = [each["metadata"] for each in json.loads(report)["install"]]
    return sorted(
        f"{each['name']}=={each['version']}" for each in found if each["name"] != "funcemu"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
