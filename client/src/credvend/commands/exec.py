"""Run one command with credentials for a role in its environment; without one, a shell.

The command takes the place of credvend, so that its exit code and signals are its own. 127: there is no such command;
126: it cannot be run. With --serve, credvend stays beside it and renews the credentials, for what runs for hours.
Without ROLE, you pick one at a terminal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

import click

from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import Lasting, lasts, vends
from credvend.disk.aws_config_file import region_of
from credvend.errors import UsageError
from credvend.own_session import INSIDE, KEYS, SESSION
from credvend.text import messages
from credvend.text.moments import moment_text
from credvend.vending import child
from credvend.vending.cache_or_service import get_entry, half_of_life
from credvend.vending.endpoint import serving
from credvend.vending.options import Options
from credvend.vending.renewer import Renewer

# What the AWS CLI does without a region: services that have one endpoint for all, and what asks none.
_ANYWHERE = frozenset(
    ("account", "ce", "cloudfront", "configure", "help", "iam", "organizations", "route53", "s3", "s3api", "sts")
)


class _Exec(click.Command):
    """Ours are the words before the command's: those before `--`, or, without it, up to the word after the role."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[[--] COMMAND ...]"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours, ctx.meta[_COMMAND] = self._split(args)
        return super().parse_args(ctx, ours)

    def _split(self, words: list[str]) -> tuple[list[str], list[str]]:
        valued = {name for each in self.params if not getattr(each, "is_flag", False) for name in each.opts}
        role = value = False
        for at, word in enumerate(words):
            if word == "--":
                return words[:at], words[at + 1 :]
            if value or word.startswith("-"):
                value = not value and word in valued
            elif role:
                return words[:at], words[at:]
            else:
                role = True
        return words, []


_COMMAND = "credvend.exec.command"
EXAMPLES = """\b
examples:
  credvend exec reports -- aws s3 ls
  credvend exec --serve deploy -- terraform apply
  credvend exec --duration 60s --policy task.json --reason "task 42" reports -- ./tool"""


@click.command(cls=_Exec, help=__doc__, epilog=EXAMPLES)
@vends()
@click.option("--serve", is_flag=True, help="give it an endpoint that renews them, instead of keys")
@click.option("--nest", is_flag=True, help="even within another `credvend exec`")
@lasts
@is_told
def command(told: Told, role: str, options: Options, serve: bool, nest: bool, lasting: Lasting) -> int:
    environ = told.environ
    command = click.get_current_context().meta[_COMMAND] or _shell(environ)
    inside = environ.get(INSIDE)
    if inside and not nest:
        raise UsageError(f"This is within `credvend exec {inside}` already: leave that first, or say --nest.")
    if inside:  # whoever nests means to sign with what is there
        environ = {name: value for name, value in environ.items() if name != SESSION}
    credentials = lasting.credentials(Told(told.config, environ), role, options, half_of_life)
    # With AWS_PROFILE the command loses the region that the profile says.
    region = lasting.region or region_of(environ)
    if region is None and _wants_region(command):
        messages.say(f"warning: {command[0]} may want a region: --region before the role, or AWS_REGION, sets one")
    changed = child.environment_of(environ, credentials, region)
    if not click.get_current_context().meta[_COMMAND]:
        messages.say(f"a shell as {credentials.role}, until {moment_text(credentials.expiration)}; `exit` ends it")
    if not serve:
        return child.started(child.become, command, changed)
    renewer = Renewer(lambda: get_entry(role, options, told.config, environ))
    return child.started(partial(_serve, role, renewer), command, changed)


def _shell(environ: Mapping[str, str]) -> list[str]:
    """The person's own.

    Raises:
        UsageError: nobody sits at a terminal, so a command was forgotten.
    """
    if not messages.may_ask():
        raise UsageError("Which command? credvend exec ROLE -- COMMAND ...")
    return [environ.get("SHELL") or environ.get("COMSPEC") or "/bin/sh"]


def _wants_region(command: list[str]) -> bool:
    """Whether it is the AWS CLI's, and that would only name its own ways to set a region, not ours."""
    is_aws = os.path.basename(command[0]) in ("aws", "aws.cmd", "aws.exe")
    said = any(word.startswith(("--region", "--version")) for word in command)
    return is_aws and not said and _ANYWHERE.isdisjoint(command)


def _serve(role: str, renewer: Renewer, command: list[str], given: Mapping[str, str]) -> int:
    """Run the command beside an endpoint that has credentials for as long as it runs."""
    renewer.renew()
    without_keys = {name: value for name, value in given.items() if name not in (*KEYS, SESSION)}
    with serving(renewer, role) as variables:
        return child.run(command, {**without_keys, **variables})
