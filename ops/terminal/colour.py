"""Colour, for people alone: on terminals, and where they do not mind it."""

import os
import sys
from typing import Final, Literal

import click

# What a colour is to say. Words say the same: nothing is told by colour alone.
Meaning = Literal["good", "bad", "doubtful", "aside"]
_COLOURS: Final[dict[Meaning, str]] = {"good": "green", "bad": "red", "doubtful": "yellow", "aside": "blue"}


def coloured(text: str, meaning: Meaning, bold: bool = False) -> str:
    """A text for standard output, which holds no control characters: see `escaped`.

    It stays as it is where standard output is no terminal, and where NO_COLOR is set: https://no-color.org
    """
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return click.style(text, fg=_COLOURS[meaning], bold=bold or None)
