"""`ini`: a profile for `~/.aws/credentials`, named as the role."""

import re
from collections.abc import Mapping
from typing import Final

from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Credentials
from chalicelib.wire.formats.format import Format, variables

_WORD = re.compile(r"[!-~]+", re.ASCII)


def ini_section(name: str, variables: Mapping[str, str]) -> str:
    """A profile for `~/.aws/credentials`.

    Raises:
        ValueError: a value is not one word, for the file has no way to quote it.
    """
    if not all(_WORD.fullmatch(value) for value in variables.values()):
        raise ValueError("a value cannot stand in a profile")
    return f"[{name}]\n" + "".join(f"{key.lower()} = {value}\n" for key, value in variables.items())


def _write(plan: SessionPlan, given: Credentials) -> str:
    return ini_section(plan.role.name, variables(given))


INI_PROFILE: Final = Format("ini", "text/x-ini", ("text/x-ini",), evaluated=True, write=_write)
