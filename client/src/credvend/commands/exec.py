"""Run one command with credentials for a role in its environment.

The command takes the place of credvend, so that its exit code and signals are its own. 127: there is no such command;
126: it cannot be run.
"""

from __future__ import annotations

import os
import signal
import sys

import click

from credvend import lean
from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import vends
from credvend.errors import UsageError
from credvend.text import messages
from credvend.vending.cache_or_service import get_credentials
from credvend.vending.formats import variables
from credvend.vending.options import Options

# Set in the command's environment: the role.
INSIDE = "CREDVEND_ROLE"
# Other places where AWS SDKs look, some of them first. (The last is the session token's old name, first for botocore.)
_OTHERS = (*lean.AWS_SOURCES, "AWS_SECURITY_TOKEN")
# Whoever runs credvend has it; the command gets the role's credentials, and not what any role can be had with.
_OWN = ("CREDVEND_TOKEN",)


class _Exec(click.Command):
    """Ours are the words before the command's: those before `--`, or, without it, up to the word after the role."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[--]", "COMMAND ..."]

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
EXAMPLES = "\b\nexample:\n  credvend exec reports -- aws s3 ls"


@click.command(cls=_Exec, help=__doc__, epilog=EXAMPLES)
@vends()
@click.option("--nest", is_flag=True, help="even within another `credvend exec`")
@is_told
def command(told: Told, role: str, options: Options, nest: bool) -> int:
    config, environ = told
    command: list[str] = click.get_current_context().meta[_COMMAND]
    if not command:
        raise UsageError("Which command? credvend exec ROLE -- COMMAND ...")
    inside = environ.get(INSIDE)
    if inside and not nest:
        raise UsageError(f"This is within `credvend exec {inside}` already: leave that first, or say --nest.")
    credentials = get_credentials(role, options, config, environ)
    changed = {name: value for name, value in environ.items() if name not in (*_OTHERS, *_OWN)}
    changed.update(variables(credentials), **{INSIDE: credentials.role})
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores them, and what is ignored stays so in the command, which expects to be ended by them.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, changed)  # noqa: S606 no shell is what is wanted
    except FileNotFoundError:
        messages.say(f"there is no command {command[0]}")
        return 127
    except OSError as error:
        messages.say(f"{command[0]} cannot be run: {error.strerror}")
        return 126
