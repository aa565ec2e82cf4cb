"""What pytest tells of a test that failed has no key of the app under test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import planted
from tests.support.testing import failing

APP = """
import logging, os, sys
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="boom")
def boom(req: func.HttpRequest) -> str:
    for name in ("PLANTED_API_KEY", "Files", "PLANTED_TOKEN", "PLANTED_SECRET"):
        logging.warning("it is %s", os.environ[name])
        print("printed", os.environ[name])
    key = os.environ["Files"].partition("AccountKey=")[2].partition(";")[0]
    raise ValueError(f"cannot use {os.environ['PLANTED_API_KEY']} and {key}")
"""

TESTS = """
import os

async def test_unexpected(functions_app):
    await functions_app.get("/api/boom?code=CODE")

async def test_raised(functions_app):
    await functions_app.call("boom")

async def test_expected_otherwise(functions_app):
    with functions_app.expect_failure("boom", match="something else"):
        await functions_app.get("/api/boom")

async def test_asserted(functions_app):
    secret = os.environ["PLANTED_SECRET"]
    with functions_app.expect_failure("boom"):
        assert (await functions_app.get("/api/boom")).status == 500
    assert functions_app.logs == [], secret

@pytest.mark.functions_app(settings={"A_KEY": "given-by-the-test"})
async def test_its_own(functions_app):
    assert "given-by-the-test" == "something else"

@pytest.mark.functions_app("broken")
async def test_broken(functions_app):
    pass
"""

BROKEN = "import os\nraise RuntimeError(os.environ['PLANTED_API_KEY'])\n"


def test_a_failed_run_tells_no_key(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = planted.files("http://127.0.0.1:9")
    app = {"function_app.py": APP, **files, "broken/function_app.py": BROKEN}
    app |= {f"broken/{name}": text for name, text in files.items()}
    for name, value in planted.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    report = Path(pytester.path, "report.xml")
    test = TESTS.replace("CODE", planted.IN_REQUESTS["code"])
    told = failing(
        pytester, test, "--showlocals", "-o", "junit_logging=all", f"--junit-xml={report}", app=app
    )
    # The code of a test is shown as it stands.
    told = told.replace(f"?code={planted.IN_REQUESTS['code']}", "")
    assert "cannot use ***** and *****" in told
    assert told.count("it is *****") >= 4
    assert "given-by-the-test" in told
    assert planted.found_in(told.encode()) == []
    written = report.read_text("utf-8").replace(f"?code={planted.IN_REQUESTS['code']}", "")
    assert planted.found_in(written.encode()) == []
