"""Credentials on standard output, or where GitHub Actions has its steps look for them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping

from credvend.errors import UsageError
from credvend.vending.credentials import Credentials
from credvend.vending.formats import FORMATS, append_github, section_of


def print_in(name: str, credentials: Credentials, region: str | None, environ: Mapping[str, str]) -> None:
    """Print credentials in a format, which has been checked to have a use here.

    Raises:
        UsageError: the file has no place for them.
    """
    before = _before_section(section_of(credentials.role)) if name == "ini" else ""
    print(f"{before}{FORMATS[name].write(credentials, region)}", flush=True)
    if name == "github":
        append_github(credentials, region, environ)


def _before_section(section: str) -> str:
    """What must stand before a profile in the file that it is appended to: an end of the last line, if it has none.

    Raises:
        UsageError: the file has that profile: AWS's tools would read nothing of the whole file.
    """
    try:
        if not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            return ""
        with open(f"/dev/fd/{sys.stdout.fileno()}", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (OSError, ValueError):  # nobody can tell
        return ""
    if any(line.strip() == f"[{section}]" for line in text.splitlines()):
        raise UsageError(
            f"The file has a profile [{section}] already, and two are none to AWS's tools: remove that one, or have "
            "`credvend configure --profiles` write profiles that renew themselves."
        )
    return "" if not text or text.endswith("\n") else "\n"
