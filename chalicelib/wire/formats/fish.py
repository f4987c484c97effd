"""`fish`: variables for the fish shell. Whatever the values hold, they stay values."""

from collections.abc import Mapping
from typing import Final

from chalicelib.wire.formats.format import Format, of_variables


def fish_script(variables: Mapping[str, str]) -> str:
    """For fish: https://fishshell.com/docs/current/language.html#quotes

    An `if` without `then` is a mistake to all other shells: they run nothing of it. To zsh, `set -gx` alone would be
    the order to show each line that follows.
    """
    lines = [f"set -gx {name} {_fish(value)}" for name, value in variables.items()]
    return "".join(f"{line}\n" for line in ("if true", *lines, "end")) if lines else ""


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


FISH: Final = Format("fish", "text/x-fish", ("text/x-fish",), evaluated=True, write=of_variables(fish_script))
