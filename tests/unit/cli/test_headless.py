"""Commands that load an app without serving it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.cli.headless import opened
from emulator.config.options import Options
from emulator.errors import EmulatorError
from tests.support.serving import write_app


async def test_an_error_is_told_without_secrets_and_is_the_same_one(tmp_path: Path) -> None:
    values = '{"IsEncrypted": false, "Values": {"MY_SECRET": "planted-0123"}}'
    app = write_app(tmp_path, {"local.settings.json": values})
    options = Options(path=app, channel="inprocess", ephemeral=True, watch=False)
    cause = ValueError("why")
    with pytest.raises(EmulatorError) as caught:
        async with opened(options):
            raise EmulatorError("no planted-0123", hint="not planted-0123") from cause
    assert (caught.value.message, caught.value.hint) == ("no *****", "not *****")
    assert caught.value.__cause__ is cause
