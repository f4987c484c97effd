"""What a role's name and its ARN tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

# None is taken for an option, or split or expanded by a shell.
# Behind an `@` is the name of its account.
PLAIN_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(@[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?")


def account_shown(role: Mapping[str, object]) -> str:
    """The same for people: with its name, where the service tells one."""
    return " ".join(filter(None, (account_of(role), str(role.get("AccountName") or ""))))


def account_of(role: Mapping[str, object]) -> str:
    """The account of an entry of the list of roles; empty if it does not say."""
    parts = str(role.get("RoleArn") or "").split(":")
    return parts[4] if len(parts) > 5 else ""
