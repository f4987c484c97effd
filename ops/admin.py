"""What operators do with credvend: `python -m ops.admin COMMAND`; with AWS credentials and a region where it asks AWS.

A result goes to standard output, alone, so that `TOKEN=$(python -m ops.admin token create ...)` works; everything
that is said about it goes to standard error. Exit status: 0; 1 where the answer is no, or it was not carried out; 2
for what was not understood; 3 where it was not carried out whole.
"""

import sys
from collections.abc import Sequence

import click

from ops.commands.blocks import block, blocks, start, stop, unblock
from ops.commands.check_issuers import check_issuers_command
from ops.commands.diff import diff_command
from ops.commands.doctor import doctor
from ops.commands.explain import explain_command
from ops.commands.keys import keys
from ops.commands.onboard import onboard
from ops.commands.onboard_repository import onboard_github, onboard_gitlab
from ops.commands.revoke import revoke_command
from ops.commands.sessions import sessions
from ops.commands.test import test_command
from ops.commands.tokens import token
from ops.commands.validate import validate_command
from ops.commands.who_can import what_can_command, who_can_command
from ops.errors import OperationFailed
from ops.terminal.commands import Group, Stopped
from ops.terminal.say import say


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Administer credvend."""


for command in (
    *(validate_command, test_command, explain_command, who_can_command, what_can_command, diff_command),
    *(onboard, onboard_github, onboard_gitlab, check_issuers_command, doctor),
    *(keys, token, sessions, revoke_command, block, unblock, blocks, stop, start),
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line, the program's own unless told otherwise.

    Returns:
        The exit status.
    """
    try:
        given = None if arguments is None else list(arguments)
        ended = cli.main(given, prog_name="credvend-admin", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OperationFailed as error:
        say(str(error))
        return error.status
    except click.Abort:
        say("Stopped.")
        return Stopped.status
    return ended if isinstance(ended, int) else 0  # what a command has raised as click's Exit, click returns


if __name__ == "__main__":
    sys.exit(main())
