"""What an entry of many accounts says of each of them: `${account.id}` and its like, written out.

They are filled in before anything is checked: what comes of it is as if somebody had written the role by hand.
"""

import re
from typing import Final

from chalicelib.roles.account import Account

FIELDS: Final = ("id", "name", "partition")
_BEGINNING: Final = "${account."
_PLACEHOLDER: Final = re.compile(r"\$\{account\.([^{}]*)\}")


def holds_account(value: object) -> bool:
    """Whether a text in a value of YAML or JSON speaks of the account."""
    match value:
        case str():
            return _BEGINNING in value
        case dict():
            return any(map(holds_account, value.values()))
        case list():
            return any(map(holds_account, value))
    return False


def filled(value: object, account: Account) -> object:
    """The value, with what there is to say of an account in the place of each placeholder. Keys stay as they are.

    Raises:
        ValueError: there is no such placeholder; names it.
    """
    match value:
        case str() if _BEGINNING in value:
            return _PLACEHOLDER.sub(lambda match: _value(match[1], account), value)
        case dict():
            return {key: filled(one, account) for key, one in value.items()}
        case list():
            return [filled(one, account) for one in value]
    return value


def _value(field: str, account: Account) -> str:
    if field not in FIELDS:
        known = ", ".join(f"${{account.{one}}}" for one in FIELDS)
        raise ValueError(f"holds ${{account.{field}}}, which is not known: of the account there are {known}")
    return str(getattr(account, field))
