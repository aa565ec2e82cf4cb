"""The part of the pytest plugin that is about models: `models`, recordings, live calls.

pytest loads this module in every run; what costs is imported by the first test that needs it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bindings.openai.testing.models import Models
    from emulator.testing import EmulatedApp

RECORD_MODES = ("none", "once", "all")
_MODELS = pytest.StashKey["Models"]()
_ASKS_SERVICES = frozenset({"live", "auto", "record", "rerecord"})


def pytest_addoption(parser: pytest.Parser) -> None:
    # pytest-recording has an option of this name and meaning; then that one counts.
    if importlib.util.find_spec("pytest_recording") is None:
        group = parser.getgroup("functions-app", "Azure Functions apps")
        group.addoption(
            "--record-mode",
            choices=RECORD_MODES,
            default="none",
            help="What tests marked 'recording' do: none plays only (the default), once records "
            "what has no recording yet, all records anew. Recording asks the model service.",
        )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "recording(name): models answer from recordings/<name> beside the test; see --record-mode",
    )
    config.addinivalue_line(
        "markers", "live: the app may ask the model services it is configured for"
    )


@pytest.fixture
def models(request: pytest.FixtureRequest) -> Models:
    """The models of this test's apps: `models.on("remind me").calls("AddTodo").then_says("Done.")`.

    A request that no turn answers, and a turn that was not asked for, fail the test; in tests
    marked `live` or `recording` the models are the marked ones and only `models.requests` is kept.
    """
    return _models_of(request.node)


def _models_of(item: pytest.Item) -> Models:
    if _MODELS not in item.stash:
        from bindings.openai.testing.models import Models  # for tests that use models

        served = any(item.get_closest_marker(name) for name in ("live", "recording"))
        item.stash[_MODELS] = models = Models(expects=not served)
        if served:
            models.offline()
    return item.stash[_MODELS]


def _fixtures(item: pytest.Item) -> Any:
    return getattr(item, "fixturenames", ())


@pytest.hookimpl(optionalhook=True)
def pytest_functions_app_options(item: pytest.Item, options: dict[str, Any], shared: bool) -> None:
    if shared:
        return  # one test cannot choose for all
    recording = item.get_closest_marker("recording")
    live = item.get_closest_marker("live")
    if live is not None and recording is not None:
        pytest.fail(
            "The test is marked both 'live' and 'recording'; a recording is made with "
            "--record-mode=once.",
            pytrace=False,
        )
    asked = options.get("models", "offline")
    if asked in _ASKS_SERVICES and live is None:
        pytest.fail(
            f"The test asks for functions_app(models='{asked}'), which may call a model service. "
            "Mark it with @pytest.mark.live if it shall, or script the model with the fixture "
            "'models'.",
            pytrace=False,
        )
    if live is not None:
        options["models"] = "live"
    if recording is not None:
        folder = _folder(item, recording)
        options["models"] = _mode(item.config, folder)
        options["settings"] = {**options["settings"], "FUNCEMU_RECORDINGS": str(folder)}


def _folder(item: pytest.Item, marker: pytest.Mark) -> Path:
    name = marker.args[0] if marker.args else item.name.partition("[")[0]
    return item.path.parent / "recordings" / str(name)


def _mode(config: pytest.Config, folder: Path) -> str:
    from bindings.openai.recordings.folder import holds_recordings  # for tests with recordings

    match config.getoption("--record-mode"):
        case "once":
            return "replay" if holds_recordings(folder) else "record"
        case "new_episodes":  # of pytest-recording
            return "record"
        case "all" | "rewrite":
            return "rerecord"
        case _:
            return "replay"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with a failure of a test with a recording how it was played, and how to record it."""
    report = yield
    recording = item.get_closest_marker("recording")
    if report.failed and call.when == "call" and recording is not None:
        folder, mode = _folder(item, recording), item.config.getoption("--record-mode")
        report.sections.append(
            (
                "recording",
                f"The models answered from {folder} (--record-mode={mode}). What is missing or "
                "outdated there is recorded with --record-mode=all, with a model service "
                "configured.",
            )
        )
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_functions_app_begin(item: pytest.Item, app: EmulatedApp, shared: bool) -> None:
    if shared:
        if item.get_closest_marker("recording") is not None:
            pytest.fail(
                "functions_app_session is shared by tests, so it cannot play the recording of "
                "one: use functions_app.",
                pytrace=False,
            )
        app.models = "offline" if item.get_closest_marker("live") is None else "live"
    if "models" in _fixtures(item):
        _models_of(item).attach(app)


@pytest.hookimpl(optionalhook=True)
def pytest_functions_app_end(item: pytest.Item, app: EmulatedApp) -> None:
    if _MODELS in item.stash:
        item.stash[_MODELS].detach(app)
