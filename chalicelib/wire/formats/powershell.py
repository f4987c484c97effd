"""`powershell`: variables for PowerShell, on any platform. Whatever the values hold, they stay values."""

import re
from collections.abc import Mapping
from typing import Final

from chalicelib.wire.formats.format import Format, of_variables

# To PowerShell, these are all single quotes: section 2.3.5.2 of its language specification.
_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")


def powershell_script(variables: Mapping[str, str]) -> str:
    """For PowerShell, on any platform."""
    return "".join(f"$Env:{name} = {_powershell(value)}\n" for name, value in variables.items())


def _powershell(value: str) -> str:
    return "'" + _QUOTES.sub(r"\1\1", value) + "'"


POWERSHELL: Final = Format(
    "powershell", "text/x-powershell", ("text/x-powershell",), evaluated=True, write=of_variables(powershell_script)
)
