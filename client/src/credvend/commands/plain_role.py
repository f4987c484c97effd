"""What a role's name and its ARN tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

# None is taken for an option, or split or expanded by a shell.
PLAIN_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def account_of(role: Mapping[str, object]) -> str:
    """The account of an entry of the list of roles; empty if it does not say."""
    parts = str(role.get("RoleArn") or "").split(":")
    return parts[4] if len(parts) > 5 else ""
