"""The commands that there are, one module each."""

from __future__ import annotations

import importlib

import click
from click.shell_completion import CompletionItem

from credvend import lean
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
        command.short_help = COMMANDS[cmd_name]  # for completion; click would cut its long one
        taken = {name for parameter in command.params for name in parameter.opts}
        command.params += [option for option in _everywhere() if taken.isdisjoint(option.opts)]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)


def _everywhere() -> list[click.Option]:
    """The options of every command; of one that has a `--service` of its own, they stand before its name."""
    return [_service(), _verbose()]


def _service() -> click.Option:
    def choose(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value and not lean.is_service_name(value):
            raise click.BadParameter("a name has letters, digits, - . and _.", ctx, parameter)
        if value is not None:
            # For the whole command line: what is done besides the command is for the same service.
            ctx.obj = ctx.find_root().obj = {**ctx.obj, lean.SERVICE: value}

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from credvend.disk.config_file import service_names
        from credvend.errors import UsageError

        try:
            return [CompletionItem(name) for name in service_names(ctx.obj) if name.startswith(incomplete)]
        except UsageError:
            return []

    what = "which of the services in the configuration; default: the one without a name"
    return click.Option(
        ["--service"], metavar="NAME", expose_value=False, callback=choose, shell_complete=complete, help=what
    )


def _verbose() -> click.Option:
    def be_verbose(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            messages.be_verbose()

    what = "say on standard error what is done"
    return click.Option(["--verbose", "-v"], is_flag=True, expose_value=False, callback=be_verbose, help=what)


def commands() -> click.Group:
    """The whole command line."""
    return _Commands(
        "credvend",
        params=list[click.Parameter](_everywhere()),
        help="Short-lived AWS credentials from a credvend service.",
    )
