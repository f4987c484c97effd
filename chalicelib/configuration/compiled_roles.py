"""The roles of a compiled configuration, made from their entries when they are asked for.

An entry of many accounts is there once. What its roles have in common is made once, too.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, Final, cast

from chalicelib.roles.account import Account
from chalicelib.roles.filled import filled
from chalicelib.roles.places import Places
from chalicelib.roles.role import Role, WrittenRole, make_role, role_in
from chalicelib.roles.session_rules import WrittenSessionRules, read_session_rules

# What a compiled entry has besides what is written: which account is its, by its place; whether it says of each of its
# accounts something else.
OF: Final = "of"
FILLED: Final = "filled"

# As JSON has it.
Entry = Mapping[str, Any]


class CompiledRoles:
    """Makes roles as catalog_file.py would make them from entries that it has found valid.

    Attributes:
        places: of the roles.
    """

    def __init__(
        self, entries: Sequence[Entry], defaults: Entry, accounts: Sequence[tuple[str, str, str, Sequence[str]]]
    ) -> None:
        """No role is made yet.

        Args:
            defaults: of the keys of an entry.
            accounts: with the fields of `Account`.
        """
        self._entries = entries
        self._defaults = defaults
        self._accounts = [Account(id, name, partition, tuple(groups)) for id, name, partition, groups in accounts]
        self.places = Places(
            [
                (one["name"], one["role"], tuple(one["accounts"]))
                if "accounts" in one
                else (one["name"], one["arn"], ())
                for one in entries
            ],
            self._accounts,
        )
        self._first = cache(self._made_first)

    def role(self, number: int) -> Role:
        """The role of a number."""
        place, of_many = self.places[number]
        entry = self._entries[place]
        if of_many is None or entry[FILLED]:
            return self._made(place, of_many)
        return role_in(self._accounts[of_many], entry["name"], entry["role"], like=self._first(place))

    def _made_first(self, place: int) -> Role:
        """Of an entry of many accounts, the role that all others are like."""
        return self._made(place, self._entries[place]["accounts"][0])

    def _made(self, place: int, of_many: int | None) -> Role:
        entry: Entry = {**self._defaults, **self._entries[place]}
        if of_many is None:
            of = entry.get(OF)
            return _role(entry["name"], entry["arn"], None if of is None else self._accounts[of], entry)
        account = self._accounts[of_many]
        if entry[FILLED]:
            entry = cast(Entry, filled(entry, account))
        return _role(account.named(entry["name"]), account.arn_of(entry["role"]), account, entry)


def _role(name: str, arn: str, account: Account | None, entry: Entry) -> Role:
    written = SimpleNamespace(**{"policy": None, **entry})
    for part in ("params", "claims"):
        setattr(written, part, {name: SimpleNamespace(**one) for name, one in getattr(written, part).items()})
    rules = read_session_rules(cast(WrittenSessionRules, written))
    return make_role(name, arn, account, cast(WrittenRole, written), rules)
