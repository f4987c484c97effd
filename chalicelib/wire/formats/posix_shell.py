"""`env`: variables for sh, bash, zsh and their like. Whatever the values hold, they stay values.

Nothing is unset: a script does to the shell what it says, and no more.
"""

from collections.abc import Mapping
from typing import Final

from chalicelib.wire.formats.format import Format, of_variables


def posix_script(variables: Mapping[str, str]) -> str:
    """For sh, bash, zsh and their like."""
    return "".join(f"export {name}={_posix(value)}\n" for name, value in variables.items())


def _posix(value: str) -> str:
    # Always in quotes, where shlex.quote() would see no need: to zsh, `=ls` is a path.
    return "'" + value.replace("'", "'\\''") + "'"


POSIX_SHELL: Final = Format(
    "env",
    "text/x-shellscript",
    ("text/x-shellscript", "application/x-sh"),
    evaluated=True,
    write=of_variables(posix_script),
)
