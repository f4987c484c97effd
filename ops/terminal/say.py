"""What is said to whoever runs a command, on standard error: standard output is for results."""

import sys


def say(message: str) -> None:
    """Print a line, or several, at once. Whatever it holds, it moves no cursor; names in it go through `escaped`."""
    print("\n".join(map(escaped, message.split("\n"))), file=sys.stderr, flush=True)


def escaped(line: str) -> str:
    """A line without what could pass for others, or hide any: names come from files, and from elsewhere."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


def escaped_lines(text: str) -> str:
    """Several lines, each `escaped`."""
    return "\n".join(map(escaped, text.split("\n")))
