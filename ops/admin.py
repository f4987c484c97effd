"""What operators do with a deployed credvend: `python -m ops.admin GROUP COMMAND`, with AWS credentials and a region.

A result goes to standard output, alone, so that `TOKEN=$(python -m ops.admin token create ...)` works; everything
that is said about it goes to standard error.
"""

import argparse
import os
import sys

from ops.blocks import add_block_commands
from ops.check_issuers import add_check_issuers
from ops.errors import OperationFailed
from ops.revoke import add_revoke_command
from ops.sessions import add_session_commands
from ops.terminal.say import say
from ops.tokens import add_token_commands


def build_parser() -> argparse.ArgumentParser:
    """The command line. Each command sets `run`: what it does, given the options; it raises `OperationFailed`."""
    parser = argparse.ArgumentParser(prog="credvend-admin", description="Administer a deployed credvend.")
    parser.set_defaults(calls_aws=True)
    groups = parser.add_subparsers(metavar="GROUP", required=True)
    add_token_commands(groups)
    add_session_commands(groups)
    add_revoke_command(groups)
    add_block_commands(groups)
    add_check_issuers(groups)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    if options.calls_aws and os.environ.get("AWS_ENDPOINT_URL"):
        say(f"AWS_ENDPOINT_URL is set: this goes to {os.environ['AWS_ENDPOINT_URL']}, not to AWS.")
    try:
        options.run(options)
    except OperationFailed as error:
        say(str(error))
        return error.status
    except KeyboardInterrupt:
        shows = "`token list`, `blocks` and `sessions show ID` show whether it was carried out."
        say("\nStopped." + (f" {shows}" if options.calls_aws else ""))
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
