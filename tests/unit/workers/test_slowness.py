from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.workers.pyworker import slowness

WAITS = "import time\ndef wait(enough):\n    while not enough():\n        time.sleep(0.001)\n"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("slow_helper", "slow_app"):
        sys.modules.pop(name, None)


def test_a_slow_import_is_told_with_every_file_on_the_way_and_ever_more_rarely(app: Path) -> None:
    (app / "slow_helper.py").write_text(WAITS)
    (app / "slow_app.py").write_text("import slow_helper\ndef go(enough):\n"
                                     "    slow_helper.wait(enough)\n")  # fmt: skip
    import slow_app  # type: ignore[import-not-found]  # just written

    heard: list[tuple[float, str]] = []
    began = time.monotonic()
    with slowness.told(str(app), lambda text: heard.append((time.monotonic(), text)), after=0.02):
        slow_app.go(lambda: len(heard) >= 3)
    for _, text in heard:
        assert text.startswith("The app is still being imported after 0 s, at slow_helper.py:")
        assert text.endswith(", imported at slow_app.py:3.")
    assert heard[2][0] - began >= 0.08


def test_a_quick_import_is_not_worth_a_word(app: Path) -> None:
    heard: list[str] = []
    with slowness.told(str(app), heard.append, after=0.005):
        pass
    time.sleep(0.02)
    assert heard == []
