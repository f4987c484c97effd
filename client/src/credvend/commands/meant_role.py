"""What a person may have meant who was denied a role: one that they may have, or a command."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Mapping

from credvend.disk.config_file import Config
from credvend.errors import CredvendError
from credvend.vending.service import service_of


def meant(role: str, config: Config, environ: Mapping[str, str], *, may_be_command: bool) -> str:
    """A sentence; empty where nothing suggests itself.

    It is made of the roles that they may have, so it tells nothing about others.

    Args:
        may_be_command: a command stands behind the role, so the role may have been left out.
    """
    try:
        names = [str(each["Role"]) for each in service_of(config, environ).roles()]
    except CredvendError:
        return ""
    close = difflib.get_close_matches(role, names, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    if may_be_command and shutil.which(role, path=environ.get("PATH")):
        return f"{role} is a command: name the role before it, credvend exec ROLE -- {role} ..."
    return ""
