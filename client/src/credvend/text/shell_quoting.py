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
        script: takes some variables away (those that are not there are no mistake), and exports others. To a shell of
            another kind it is a mistake, after which nothing is changed, and `eval` fails.
        failing: one command that fails, by which `eval` fails, too.
    """

    script: Callable[[Iterable[str], Mapping[str, str]], str]
    failing: str


def posix_lines(values: Mapping[str, str]) -> str:
    """For sh, bash, zsh and their like."""
    return "\n".join(f"export {name}={posix(value)}" for name, value in values.items())


def fish_lines(values: Mapping[str, str]) -> str:
    """For fish: https://fishshell.com/docs/current/language.html#quotes"""
    return _fish_alone(f"set -gx {name} {fish(value)}" for name, value in values.items())


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


def _posix_script(without: Iterable[str], values: Mapping[str, str]) -> str:
    """fish has no `unset`, and stops at its failure. As one chain, it is also understood by an `eval $(...)` that lacks
    its quotes.
    """
    exports = (posix_lines({name: value}) for name, value in values.items())
    return " &&\n".join([f"unset {' '.join(without)}", *exports])


def _fish_script(without: Iterable[str], values: Mapping[str, str]) -> str:
    """What is universal stays: nothing hides it from commands of this shell alone."""
    erased = _fish_alone(f"set -e -g {name}; or true" for name in without)
    return f"{erased}\n{fish_lines(values)}" if values else erased


def _fish_alone(lines: Iterable[str]) -> str:
    """An `if` without `then` is a mistake to all other shells, for which `set -e` means: end at the next failure."""
    return "\n".join(("if true", *lines, "end"))


def _powershell_script(without: Iterable[str], values: Mapping[str, str]) -> str:
    removed = (f"Remove-Item -Path Env:{name} -ErrorAction Ignore" for name in without)
    return "\n".join((*removed, *powershell_lines(values).splitlines()))


# By the name of the format. `throw` ends a script, as PowerShell goes on after a failure.
SHELLS: Mapping[str, Shell] = {
    "env": Shell(_posix_script, "false"),
    "fish": Shell(_fish_script, "false"),
    "powershell": Shell(_powershell_script, "throw 'credvend: there are no credentials'"),
}
