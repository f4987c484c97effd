"""The commands that there are, one module each."""

from __future__ import annotations

import importlib

import click

from credvend.commands.names import COMMANDS
from credvend.text import messages


class _Commands(click.Group):
    """The commands. Only the module of one that is used is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"credvend.commands.{cmd_name}").command
        if all(parameter.name != "verbose" for parameter in command.params):
            command.params.append(_verbose())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)


def _verbose() -> click.Option:
    def be_verbose(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            messages.be_verbose()

    what = "say on standard error what is done"
    return click.Option(["--verbose", "-v"], is_flag=True, expose_value=False, callback=be_verbose, help=what)


def commands() -> click.Group:
    """The whole command line."""
    return _Commands("credvend", params=[_verbose()], help="Short-lived AWS credentials from a credvend service.")
