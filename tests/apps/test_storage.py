"""Queues and blobs of a served app: functions that write them run those that wait for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import funcemu
from tests.support.hosted import HEAD
from tests.support.serving import served, write_app

APP = (
    HEAD
    + """
import logging

STORAGE = {"connection": "AzureWebJobsStorage"}


@app.route(route="orders")
@app.queue_output(arg_name="message", queue_name="%QUEUE%-{id}", **STORAGE)
def order(req: func.HttpRequest, message: func.Out[str]) -> str:
    message.set(req.get_body().decode())
    return "ordered"


@app.queue_trigger(arg_name="message", queue_name="orders-7", **STORAGE)
@app.blob_output(arg_name="receipt", path="receipts/{id}.txt", **STORAGE)
def ship(message: func.QueueMessage, receipt: func.Out[str]) -> None:
    logging.info("try %s of %s", message.dequeue_count, message.get_json()["id"])
    if "broken" in message.get_json():
        raise ValueError("it is broken")
    receipt.set(f"shipped {message.get_json()['id']}")


@app.queue_trigger(arg_name="message", queue_name="orders-7-poison", **STORAGE)
def poisoned(message: str) -> None:
    logging.info("poisoned %s", message)


@app.blob_trigger(arg_name="blob", path="receipts/{name}.txt", **STORAGE)
def filed(blob: func.InputStream) -> None:
    logging.info("filed %s of %s bytes: %s", blob.name, blob.length, blob.read().decode())


@app.route(route="receipts/{id}")
@app.blob_input(arg_name="receipt", path="receipts/{id}.txt", **STORAGE)
def receipt(req: func.HttpRequest, receipt: func.InputStream) -> str:
    return receipt.read().decode() if receipt else "none"


@app.route(route="x/{id}")
@app.blob_output(arg_name="out", path="copies/{id}", **STORAGE)
def copy(req: func.HttpRequest, out: func.Out[bytes]) -> str:
    out.set(req.get_body())
    return "copied"


@app.route(route="copies/{id}")
@app.blob_input(arg_name="copied", path="copies/{id}", **STORAGE)
def copied(req: func.HttpRequest, copied: func.InputStream) -> func.HttpResponse:
    return func.HttpResponse(copied.read(), mimetype="application/octet-stream")


@app.route(route="missing")
@app.blob_output(arg_name="out", path="copies/{missing}", **STORAGE)
def missing(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set("x")
    return "copied"
"""
)
SETTINGS = {"QUEUE": "Orders", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}


@pytest.mark.parametrize("channel", ["subprocess", "inprocess"])
async def test_what_one_function_writes_runs_another_one(tmp_path: Path, channel: str) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    async with served(app, channel=channel, settings=SETTINGS) as host:
        await host.until_printed("Queues and blobs: kept in the app's state")
        assert (await host.post("/api/orders", json={"id": "7"})).text == "ordered"
        await host.until_printed("[filed] filed receipts/7.txt of 9 bytes: shipped 7")
        await host.until_printed(" ship (")
        assert (await host.get("/api/receipts/7")).text == "shipped 7"
        assert (await host.get("/api/receipts/8")).text == "none"

        await host.post("/api/orders", json={"id": "7", "broken": True})
        await host.until_printed('[poisoned] poisoned {"id": "7", "broken": true}')
        assert "try 5 of 7" in host.printed
        assert "Message has reached MaxDequeueCount of 5" in host.printed


async def test_names_come_from_the_route_before_the_query_and_the_body(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    async with served(app, channel="inprocess", settings=SETTINGS) as host:
        body = json.dumps({"id": "body"}).encode() + b" \x00"
        await host.post("/api/x/route?id=q", data=body)
        assert (await host.get("/api/copies/route")).body == body
        assert (await host.post("/api/x/bytes", data=b"\xff\x00")).status == 200
        assert (await host.get("/api/copies/bytes")).body == b"\xff\x00"
        assert (await host.get("/api/missing")).status == 500
        await host.until_printed("No value for named parameter 'missing'.")
        assert (await host.post("/api/orders", json={"id": "not a name"})).status == 500
        await host.until_printed("'Orders-not a name' cannot be the name of a queue")


async def test_functions_run_when_somebody_asks(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    state = tmp_path / "state"
    async with served(app, settings=SETTINGS, state=state) as host:
        run = "/admin/functions/"
        assert (await host.post(f"{run}ship", json={"input": '{"id": 9}'})).status == 202
        await host.until_printed("[filed] filed receipts/9.txt of 9 bytes: shipped 9")
        before = host.printed.count("[filed] filed receipts/9.txt")
        assert (await host.post(f"{run}filed", json={"input": "receipts/9.txt"})).status == 202
        assert (await host.post(f"{run}filed", json={"input": "receipts/none"})).status == 202
        await host.until_printed(
            "[filed] Error: Function 'filed' was not run: There is no blob 'receipts/none'."
        )
        await host.until_printed("[filed] filed receipts/9.txt")
        assert before == 1
    # The blob is still there, and a command finds it as well.
    options = (app, "--state-dir", state)
    done = funcemu("call", "filed", *options, "--input", "receipts/9.txt", settings=SETTINGS)
    assert done.code == 0, done.err
    assert "shipped 9" in done.err
    missing = funcemu("call", "filed", *options, "--input", "receipts/none", settings=SETTINGS)
    assert missing.code == 1
    assert "There is no blob 'receipts/none'." in missing.err


async def test_a_real_account_is_left_alone(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {"function_app.py": APP})
    settings = {**SETTINGS, "AzureWebJobsStorage": "AccountName=real;AccountKey=c2VjcmV0"}
    async with served(app, channel="inprocess", settings=settings) as host:
        await host.until_printed(
            "'AzureWebJobsStorage' is a storage account, which this host does not use"
        )
        assert (await host.post("/api/orders", json={"id": "7"})).status == 404
        assert "c2VjcmV0" not in host.printed
