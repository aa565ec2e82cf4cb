"""Our options as options of the command line: made from the one list of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from emulator.config.options import describe_options
from emulator.config.optionvalues import OptionInfo

Command = Callable[..., Any]


def host_options(command: Command) -> Command:
    """Give a command every option of the host."""
    return host_options_but()(command)


def host_options_but(**helps: str) -> Callable[[Command], Command]:
    """Give a command every option of the host; some of them mean `helps` there, with another
    default."""

    def decorate(command: Command) -> Command:
        for info in reversed(describe_options()):
            if info.name in helps:
                info = info._replace(help=helps[info.name], default=None)
            if info.flags:
                command = _option(info)(command)
        return command

    return decorate


def chosen_options(*names: str) -> Callable[[Command], Command]:
    """Give a command some options of the host, in the order of the documentation."""
    infos = [info for info in describe_options() if info.name in names]

    def decorate(command: Command) -> Command:
        for info in reversed(infos):
            command = _option(info)(command)
        return command

    return decorate


class VariadicCommand(click.Command):
    """Takes `--functions A B` as the official tools do, values up to the next option, their
    `--script-root PATH` and `--language-worker -- "…"`, and `--debug` with or without a port."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = _joined(args, "--language-worker")
        args = _placed(_spread(args, "--functions"), ("--script-root", "--prefix"))
        return super().parse_args(ctx, _settled(args, "--debug"))


def _joined(args: list[str], flag: str) -> list[str]:
    """Let `--` stand between a flag and its value, as it is documented for the official tools."""
    for index, argument in enumerate(args):
        if argument == "--":
            return args
        if argument == flag and args[index + 1 : index + 2] == ["--"] and len(args) > index + 2:
            value = f"{flag}={args[index + 2]}"
            return [*args[:index], value, *_joined(args[index + 3 :], flag)]
    return args


def _placed(args: list[str], flags: tuple[str, str]) -> list[str]:
    """Let the value of a flag stand by itself, as the path of the app it is."""
    placed: list[str] = []
    for index, argument in enumerate(args):
        if argument == "--":
            return placed + args[index:]
        flag, is_one, value = argument.partition("=")
        if flag not in flags:
            placed.append(argument)
        elif is_one:
            placed.append(value)
    return placed


def _spread(args: list[str], flag: str) -> list[str]:
    spread: list[str] = []
    taking = False
    for index, argument in enumerate(args):
        if argument == flag:
            taking = True
            continue
        if argument.startswith("-"):
            taking = False
        if taking:
            spread += [flag, argument]
        else:
            spread.append(argument)
            if argument == "--":
                return spread + args[index + 1 :]
    return spread


def _settled(args: list[str], flag: str) -> list[str]:
    """Give a switch that may have a number its value: what follows may be the app's folder."""
    settled: list[str] = []
    rest = iter(args)
    for argument in rest:
        if argument == "--":
            return [*settled, argument, *rest]
        if argument != flag:
            settled.append(argument)
            continue
        following = next(rest, None)
        if following is None or following.isdecimal():
            settled.append(f"{flag}={following or 'on'}")
        else:
            settled += [f"{flag}=on", *_settled([following, *rest], flag)]
    return settled


def _option(info: OptionInfo) -> Callable[[Command], Command]:
    kind: dict[str, Any] = {}
    if info.kind == "flag":
        flags = "/".join([info.flags[0], f"--no-{info.flags[0].removeprefix('--')}"])
        return click.option(
            flags,
            *info.flags[1:],
            info.name,
            default=None,
            help=info.help,
            hidden=info.hidden,
        )
    if info.choices:
        kind["type"] = click.Choice(info.choices, case_sensitive=False)
    elif info.kind == "list":
        kind["multiple"] = True
    if info.kind == "number":
        kind["metavar"] = "NUMBER"
    if info.kind == "port":
        kind["metavar"] = "[PORT]"
    shown = info.help
    if info.default not in ("", None, ()):
        shown = f"{shown} [default: {info.default}]"
    return click.option(
        *info.flags, info.name, default=None, help=shown, hidden=info.hidden, **kind
    )
