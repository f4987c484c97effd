"""Run one command with credentials for a role in its environment.

The command takes the place of credvend, so that its exit code and signals are its own. 127: there is no such command;
126: it cannot be run.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping

from credvend import lean
from credvend.commands.vend_arguments import add_vend_arguments, options_of
from credvend.disk.config_file import Config
from credvend.errors import UsageError
from credvend.text import messages
from credvend.vending.cache_or_service import get_credentials
from credvend.vending.formats import variables

# Set in the command's environment: the role.
INSIDE = "CREDVEND_ROLE"
# Other places where AWS SDKs look, some of them first. (The last is the session token's old name, first for botocore.)
_OTHERS = (*lean.AWS_SOURCES, "AWS_SECURITY_TOKEN")
# Whoever runs credvend has it; the command gets the role's credentials, and not what any role can be had with.
_OWN = ("CREDVEND_TOKEN",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_vend_arguments(parser)
    parser.add_argument("--nest", action="store_true", help="even within another `credvend exec`")
    parser.usage = "credvend exec ROLE [options] -- COMMAND ..."
    parser.epilog = "example:\n  credvend exec reports -- aws s3 ls"


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    command = arguments.command
    if not command:
        raise UsageError("Which command? credvend exec ROLE -- COMMAND ...")
    inside = environ.get(INSIDE)
    if inside and not arguments.nest:
        raise UsageError(f"This is within `credvend exec {inside}` already: leave that first, or say --nest.")
    credentials = get_credentials(arguments.role, options_of(arguments), config, environ)
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
