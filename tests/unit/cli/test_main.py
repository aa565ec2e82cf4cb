"""The command line imports what it needs, when it needs it."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from emulator.cli.main import _COMMANDS, cli
from tests.support.patience import PATIENCE


def modules_after(*arguments: str) -> set[str]:
    code = (
        "import sys\n"
        f"sys.argv = ['funcemu', *{arguments!r}]\n"
        "from emulator.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    return set(done.stderr.split())


def test_the_version_needs_no_command() -> None:
    modules = modules_after("--version")
    assert not [each for each in modules if each.startswith("emulator.cli.") and "main" not in each]
    assert "asyncio" not in modules
    assert "importlib.metadata" not in modules


def test_a_command_imports_no_other() -> None:
    modules = modules_after("explain", "route-conflict")
    commands = {path.partition(":")[0] for path, _ in _COMMANDS.values()}
    assert commands & modules == {"emulator.cli.explain"}


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_of_the_table_is_there_and_helps(name: str) -> None:
    context = click.Context(cli, info_name="funcemu")
    command = cli.get_command(context, name)
    assert command is not None
    sub = click.Context(command, info_name=name, parent=context)
    text = " ".join(command.get_help(sub).split())
    assert (command.help or "").splitlines()[0].endswith(".")
    assert "Usage: funcemu" in text
    summary = _COMMANDS[name][1]
    assert summary.endswith(".")
    assert len(summary) < 65


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_option_has_a_sentence(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in commands:
        for parameter in each.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                told = re.sub(r"\s*\[default: .*\]$", "", parameter.help or "")
                assert told.endswith("."), f"{name} {parameter.opts}"


def test_commands_of_binding_packages_are_listed() -> None:
    assert "chats" in cli.list_commands(click.Context(cli))


def test_an_unknown_command_suggests_one() -> None:
    from click.testing import CliRunner

    done = CliRunner().invoke(cli, ["setings"])
    assert done.exit_code == 2
    assert "There is no command 'setings'. Did you mean 'settings'?" in done.output


def test_every_trigger_of_ours_has_a_sample() -> None:
    from emulator.registry import BindingRegistry
    from emulator.sdk import Trigger

    registry = BindingRegistry()
    for name in registry.names():
        found = registry.find(name)
        if found is not None and found.package == "funcemu" and issubclass(found.kind, Trigger):
            assert not found.kind.sample.is_none, name
