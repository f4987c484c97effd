"""The full path: reading a command line, running its command, and saying in one line what went wrong."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn

from credvend import __version__, messages
from credvend.config import load_config
from credvend.errors import CredvendError, UsageError

# In the order in which --help shows them.
COMMANDS = {
    "get": "print credentials, in one of six formats",
    "exec": "run one command with credentials",
    "process": "credentials for credential_process",
    "roles": "the roles that you may have",
    "whoami": "you, as the service sees you",
    "console": "sign in to the AWS console",
    "serve": "a local endpoint for AWS SDKs",
    "login": "sign in, as a person",
    "logout": "forget the sign-in",
    "configure": "set up credvend and ~/.aws/config",
    "cache": "clear what is cached",
    "completion": "for bash, zsh or fish",
}
_COLUMN = 12
_HELP = """\
usage: credvend [--version] [--verbose] COMMAND ...
Short-lived AWS credentials from a credvend service.

{commands}

examples:
  credvend configure                           once
  credvend exec reports -- aws s3 ls           one command
  eval "$(credvend get reports --format env)"  this shell
  credvend get admin --duration 15m --reason "INC-42: disk full"
`credvend COMMAND --help` says more.
Exit codes: 2 usage, 3 authentication, 4 denied, 5 service."""


class _Parser(argparse.ArgumentParser):
    """One line for a mistake, too."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")


def help_text() -> str:
    """What `credvend --help` prints: it fits a terminal of 24 lines and 80 columns."""
    lines = [f"  {name:{_COLUMN}}{what}" for name, what in COMMANDS.items()]
    return _HELP.format(commands="\n".join(lines))


def run(words: list[str], environ: Mapping[str, str]) -> int:
    """Run a command line, the program's name left out.

    Returns:
        The exit code.
    """
    try:
        code = _run(words, environ)
        sys.stdout.flush()
        return code
    except CredvendError as error:
        messages.say(error.message)
        _show_place(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has had enough; Python must not try to write the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        # The message of an unforeseen error may hold anything, so only its type and place are shown.
        hint = "" if messages.is_verbose() else "; `credvend --verbose ...` shows where"
        messages.say(f"this is a fault of credvend ({type(error).__name__}){hint}.")
        _show_place(error)
        return 1


def _show_place(error: BaseException) -> None:
    if messages.is_verbose():
        for frame in traceback.extract_tb(error.__traceback__):
            messages.say(f"  at {frame.filename}:{frame.lineno}, in {frame.name}")


def _run(words: list[str], environ: Mapping[str, str]) -> int:
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("-h", "--help"):
            print(help_text())
            return 0
        if option == "--version":
            print(f"credvend {__version__}")
            return 0
        if option not in ("-v", "--verbose"):
            raise UsageError(f"There is no option {option} (see `credvend --help`).")
        messages.be_verbose()
    if not rest:
        print(help_text(), file=sys.stderr)
        return UsageError.exit_code
    name = rest.pop(0)
    if name not in COMMANDS:
        raise UsageError(f"There is no command {name} (see `credvend --help`).")
    module = importlib.import_module(f"credvend.commands.{name}")
    parser = _Parser(prog=f"credvend {name}", description=module.__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--verbose", "-v", action="store_true", help="say on standard error what is done")
    module.add_arguments(parser)
    command = None
    if "--" in rest:
        # Not left to argparse, which also drops a `--` that belongs to the command.
        split = rest.index("--")
        rest, command = rest[:split], rest[split + 1 :]
    try:
        arguments = parser.parse_args(rest)
    except SystemExit:  # after --help; a mistake is a UsageError
        return 0
    if command is not None and name != "exec":
        raise UsageError(f"credvend {name} takes no command after `--`.")
    arguments.command = command
    if arguments.verbose:
        messages.be_verbose()
    code: int = module.run(arguments, load_config(environ), environ)
    return code
