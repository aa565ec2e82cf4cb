"""Commands of binding packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from emulator.cli.contributed import GROUP, contributed_command, load_command
from emulator.errors import BindingPluginError
from emulator.sdk import CommandServices, HostServices


def probe(services: CommandServices) -> click.Command:
    """A command that tells what it is lent."""

    @click.command()
    @services.app_options
    def command(**given: Any) -> None:
        async def work(host: HostServices) -> None:
            database = host.database("probe", ("CREATE TABLE t (x)",))
            await database.run(lambda connection: connection.execute("INSERT INTO t VALUES (1)"))
            click.echo(f"{host.app_root} {host.settings.get('COLOUR')} {services.output(given)}")

        services.run(given, work)

    return command


def no_command(services: CommandServices) -> str:
    return "no command"


def point(name: str) -> EntryPoint:
    return EntryPoint("probe", f"{__name__}:{name}", GROUP)


def test_a_command_gets_the_apps_settings_and_state(tmp_path: Path) -> None:
    settings = '{"IsEncrypted": false, "Values": {"COLOUR": "blue"}}'
    (tmp_path / "local.settings.json").write_text(settings, "utf-8")
    done = CliRunner().invoke(load_command(point("probe")), [str(tmp_path), "--output", "json"])
    assert done.output == f"{tmp_path} blue json\n"
    assert not (tmp_path / ".funcemu").exists()


def test_the_command_is_called_as_its_entry_point() -> None:
    assert load_command(point("probe")).name == "probe"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing", "cannot be loaded"),
        ("no_command", "should return a click.Command, but returned a str"),
    ],
)
def test_a_broken_command_says_what_is_wrong(name: str, reason: str) -> None:
    with pytest.raises(BindingPluginError, match="The command 'probe' of package") as told:
        load_command(point(name))
    assert reason in told.value.message


def test_a_name_nobody_offers_is_no_command() -> None:
    assert contributed_command("no-such-command") is None
