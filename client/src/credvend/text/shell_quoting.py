"""Environment variables as text that a shell evaluates, or a program reads. Whatever the values hold, they stay values.

The service writes the same (`chalicelib`, where scripts are rendered), and a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# To PowerShell, these are all single quotes: section 2.3.5.2 of its language specification.
_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
_WORD = re.compile(r"[!-~]+", re.ASCII)


def posix_lines(values: Mapping[str, str]) -> str:
    """For sh, bash, zsh and their like."""
    return "\n".join(f"export {name}={posix(value)}" for name, value in values.items())


def fish_lines(values: Mapping[str, str]) -> str:
    """For fish: https://fishshell.com/docs/current/language.html#quotes"""
    return "\n".join(f"set -gx {name} {fish(value)}" for name, value in values.items())


def powershell_lines(values: Mapping[str, str]) -> str:
    """For PowerShell, on any platform."""
    return "\n".join(f"$Env:{name} = {_powershell(value)}" for name, value in values.items())


def ini_section(name: str, values: Mapping[str, str]) -> str:
    """A profile for `~/.aws/credentials`.

    Raises:
        ValueError: a value is not one word, for the file has no way to quote it.
    """
    if not all(_WORD.fullmatch(value) for value in values.values()):
        raise ValueError("a value cannot stand in a profile")
    return "\n".join([f"[{name}]", *(f"{key.lower()} = {value}" for key, value in values.items())])


def posix(value: str) -> str:
    """One word, always in quotes: to zsh, `=ls` is a path."""
    return "'" + value.replace("'", "'\\''") + "'"


def fish(value: str) -> str:
    """One word."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(value: str) -> str:
    return "'" + _POWERSHELL_QUOTES.sub(r"\1\1", value) + "'"
