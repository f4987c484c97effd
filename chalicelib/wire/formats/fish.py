"""`fish`: variables for the fish shell. Whatever the values hold, they stay values."""

from collections.abc import Mapping
from typing import Final

from chalicelib.wire.formats.format import Format, of_variables


def fish_script(variables: Mapping[str, str]) -> str:
    """For fish: https://fishshell.com/docs/current/language.html#quotes"""
    return "".join(f"set -gx {name} {_fish(value)}\n" for name, value in variables.items())


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


FISH: Final = Format("fish", "text/x-fish", ("text/x-fish",), evaluated=True, write=of_variables(fish_script))
