"""`funcemu completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_FUNCEMU_COMPLETE"
"""The name click derives from that of the program."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the lines that make SHELL complete the commands and options of funcemu.

    In bash: echo 'eval "$(funcemu completion bash)"' >> ~/.bashrc

    In zsh: echo 'eval "$(funcemu completion zsh)"' >> ~/.zshrc

    In fish: funcemu completion fish > ~/.config/fish/completions/funcemu.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # the choices are those click knows
    context = click.get_current_context()
    click.echo(kind(context.find_root().command, {}, "funcemu", _VARIABLE).source())
