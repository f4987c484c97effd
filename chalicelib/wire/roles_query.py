"""Which roles are listed? Those of one account, where the query names one."""

import re
from typing import Final

from chalicelib.errors import InvalidRequest
from chalicelib.wire.query import Query, once, refuse_query

# Its id, or its name in accounts.yaml (configuration/account_entry.py); of one that is not there, there are no roles.
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


def parse_roles_query(query: Query) -> str | None:
    """Read the query of a list of roles: an account's id or name, or None for all roles.

    Raises:
        InvalidRequest: another parameter, or this one twice or malformed.
    """
    refuse_query(query.keys(), ("account",))
    if "account" not in query:
        return None
    account = once("account", query["account"])
    if _ACCOUNT.fullmatch(account) is None:
        raise InvalidRequest('Query parameter "account" must be the id or the name of an account.')
    return account
