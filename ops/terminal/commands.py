"""Commands that say which AWS they go to, and groups that know what was meant."""

import os
import sys

import click

from ops.errors import OperationFailed
from ops.terminal.say import say


class Stopped(OperationFailed):
    """Whoever runs the command has stopped it."""

    status = 130


class Group(click.Group):
    """Knows what was meant, and says the whole of what each of its commands does."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, which cuts a sentence at the end of its line instead of going on below."""
        told = [(name, self.commands[name].get_short_help_str(sys.maxsize)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(told)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and not ctx.resilient_parsing and not args[0].startswith("-"):
            raise click.NoSuchCommand(args[0], possibilities=self.commands, ctx=ctx)
        return super().resolve_command(ctx, args)


class _Telling(click.Command):
    def invoke(self, ctx: click.Context) -> object:
        if ctx.invoked_subcommand is None and os.environ.get("AWS_ENDPOINT_URL"):
            say(f"AWS_ENDPOINT_URL is set: this goes to {os.environ['AWS_ENDPOINT_URL']}, not to AWS.")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Stopped(
                "\nStopped. `token list`, `blocks` and `sessions show ID` show whether it was carried out."
            ) from None


class AwsCommand(_Telling):
    """A command that asks AWS: it says where else it goes, and what to look at when it was stopped."""


class AwsGroup(_Telling, Group):
    """A group that asks AWS when no command of it is named."""
