"""Whether whoever runs a command wants what it is about to do."""

import sys

from ops.errors import CommandFailed


class Declined(CommandFailed):
    """It is not to be done."""


def check_can_ask(otherwise: str) -> None:
    """See to it that there is somebody to ask.

    Args:
        otherwise: what is said, and to do, where nobody is there.

    Raises:
        Declined: standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise Declined(otherwise)


def ask(question: str, declined: str) -> None:
    """Ask on the terminal; anything but a clear yes is a no.

    Raises:
        Declined: with `declined`.
    """
    # Not with input(), which would write to standard output: that is for results.
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Declined(declined)
