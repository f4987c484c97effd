"""What is said to whoever runs a command, on standard error: standard output is for results."""

import sys


def say(message: str) -> None:
    """Print a line at once."""
    print(message, file=sys.stderr, flush=True)
