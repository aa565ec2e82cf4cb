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

class Stubborn(Trigger):
    type_name = "stubbornTrigger"
    summary = "Cannot stop."

    async def stop(self):
        raise OSError("no end")

class Tame(Trigger):
    type_name = "tameTrigger"
    summary = "Stops."

    async def stop(self):
        self.services.host.log("Warning", "Tame", "it is quiet")
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
STUBBORN = """
import azure.functions as func
app = func.FunctionApp()

@app.generic_trigger(arg_name="value", type="stubbornTrigger")
def stubborn(value: str) -> None: ...

@app.generic_trigger(arg_name="value", type="tameTrigger")
def tame(value: str) -> None: ...
"""
TYPES = ("deafTrigger = deaf:Deaf", "stubbornTrigger = deaf:Stubborn", "tameTrigger = deaf:Tame")


def package(folder: Path) -> Path:
    """Install the types; return where."""
    site = folder / "site"
    info = site / "deaf-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deaf\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[emulator.bindings]", *TYPES, ""]))
    (site / "deaf.py").write_text(PACKAGE)
    return site


async def test_a_listener_that_cannot_start_is_told_and_the_others_run(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    async with served(app, settings={"PYTHONPATH": str(package(tmp_path))}) as host:
        await host.until_printed(
            "The listener for function 'Functions.deaf' was unable to start. OSError: no ears"
        )
        assert (await host.get("/api/plain")).text == "fine"


async def test_a_listener_that_cannot_stop_is_told_and_the_others_stop(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": STUBBORN})
    async with served(app, settings={"PYTHONPATH": str(package(tmp_path))}) as host:
        assert (await host.post("/admin/host/drain")).status == 202
        await host.until_printed(
            "The listener for function 'Functions.stubborn' was unable to stop. OSError: no end"
        )
        await host.until_printed("it is quiet")
