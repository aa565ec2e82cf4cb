"""Triggers that listen for something of their own: one that cannot start stays alone with it."""

from __future__ import annotations

from pathlib import Path

from tests.support.serving import served, write_app

PACKAGE = """
from emulator.sdk import Trigger

class Deaf(Trigger):
    type_name = "deafTrigger"
    summary = "Cannot listen."

    async def start(self, fire):
        raise OSError("no ears")
"""
APP = """
import azure.functions as func
app = func.FunctionApp(http_auth_level="ANONYMOUS")

@app.route(route="plain")
def plain(req: func.HttpRequest) -> str:
    return "fine"

@app.generic_trigger(arg_name="value", type="deafTrigger")
def deaf(value: str) -> None: ...
"""


async def test_a_listener_that_cannot_start_is_told_and_the_others_run(tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "deaf-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deaf\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[emulator.bindings]\ndeafTrigger = deaf:Deaf\n")
    (site / "deaf.py").write_text(PACKAGE)
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    async with served(app, settings={"PYTHONPATH": str(site)}) as host:
        await host.until_printed(
            "The listener for function 'Functions.deaf' was unable to start. OSError: no ears"
        )
        assert (await host.get("/api/plain")).text == "fine"
