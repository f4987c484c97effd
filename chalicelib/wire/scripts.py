"""Environment variables as text that a shell evaluates, or a program reads. Whatever the values hold, they stay values.

Nothing is unset: a script does to the shell what it says, and no more.
"""

import json
import re
from collections.abc import Mapping

# To PowerShell, these are all single quotes: section 2.3.5.2 of its language specification.
_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
_WORD = re.compile(r"[!-~]+", re.ASCII)


def posix_script(variables: Mapping[str, str]) -> str:
    """For sh, bash, zsh and their like."""
    return "".join(f"export {name}={_posix(value)}\n" for name, value in variables.items())


def fish_script(variables: Mapping[str, str]) -> str:
    """For fish: https://fishshell.com/docs/current/language.html#quotes"""
    return "".join(f"set -gx {name} {_fish(value)}\n" for name, value in variables.items())


def powershell_script(variables: Mapping[str, str]) -> str:
    """For PowerShell, on any platform."""
    return "".join(f"$Env:{name} = {_powershell(value)}\n" for name, value in variables.items())


def ini_section(name: str, variables: Mapping[str, str]) -> str:
    """A profile for `~/.aws/credentials`.

    Raises:
        ValueError: a value is not one word, for the file has no way to quote it.
    """
    if not all(_WORD.fullmatch(value) for value in variables.values()):
        raise ValueError("a value cannot stand in a profile")
    return f"[{name}]\n" + "".join(f"{key.lower()} = {value}\n" for key, value in variables.items())


def no_script(answer: Mapping[str, object], for_eval: bool) -> str:
    """A JSON object in which a shell finds nothing to expand, whatever text of a stranger it repeats.

    Args:
        for_eval: a script was asked for, so it may be evaluated. Then it begins with a command substitution that
            nothing closes, since no `)` follows: to sh, bash, zsh, ksh, fish and PowerShell alike, the whole is a
            syntax error.
    """
    inert = json.dumps(answer).replace(")", "\\u0029").replace("$", "\\u0024").replace("`", "\\u0060")
    return '{"NotAScript": "$(", ' + inert.removeprefix("{") if for_eval else inert


def _posix(value: str) -> str:
    # Always in quotes, where shlex.quote() would see no need: to zsh, `=ls` is a path.
    return "'" + value.replace("'", "'\\''") + "'"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(value: str) -> str:
    return "'" + _POWERSHELL_QUOTES.sub(r"\1\1", value) + "'"
