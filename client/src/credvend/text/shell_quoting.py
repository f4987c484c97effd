"""Environment variables as text that a shell evaluates, or a program reads. Whatever the values hold, they stay values.

The service writes the same (`chalicelib`, where scripts are rendered), and a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

# To PowerShell, these are all single quotes: section 2.3.5.2 of its language specification.
_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
_WORD = re.compile(r"[!-~]+", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9+/=_.:%@-]+")


class Shell(NamedTuple):
    """What a shell evaluates.

    Attributes:
        setting: exports variables.
        unsetting: takes them away; those that are not there are no mistake.
        failing: one command that fails, by which `eval` fails, too.
    """

    setting: Callable[[Mapping[str, str]], str]
    unsetting: Callable[[Iterable[str]], str]
    failing: str


def posix_lines(values: Mapping[str, str]) -> str:
    """For sh, bash, zsh and their like."""
    return "\n".join(f"export {name}={posix(value)}" for name, value in values.items())


def fish_lines(values: Mapping[str, str]) -> str:
    """For fish: https://fishshell.com/docs/current/language.html#quotes"""
    return "\n".join(f"set -gx {name} {fish(value)}" for name, value in values.items())


def powershell_lines(values: Mapping[str, str]) -> str:
    """For PowerShell, on any platform."""
    return "\n".join(f"$Env:{name} = {_powershell(value)}" for name, value in values.items())


def dotenv_lines(values: Mapping[str, str]) -> str:
    """For `docker run --env-file`, which knows no quotes, and for what reads `.env`.

    Raises:
        ValueError: a value is not one word of plain characters, which these read in several ways.
    """
    if not all(_PLAIN.fullmatch(value) for value in values.values()):
        raise ValueError("a value cannot stand in a file of variables")
    return "\n".join(f"{name}={value}" for name, value in values.items())


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


def _fish_without(names: Iterable[str]) -> str:
    """What is universal stays: nothing hides it from commands of this shell alone."""
    return "\n".join(f"set -e -g {name}; or true" for name in names)


# By the name of the format. `throw` ends a script, as PowerShell goes on after a failure.
SHELLS: Mapping[str, Shell] = {
    "env": Shell(posix_lines, lambda names: f"unset {' '.join(names)}", "false"),
    "fish": Shell(fish_lines, _fish_without, "false"),
    "powershell": Shell(
        powershell_lines,
        lambda names: "\n".join(f"Remove-Item -Path Env:{name} -ErrorAction Ignore" for name in names),
        "throw 'credvend: there are no credentials'",
    ),
}
