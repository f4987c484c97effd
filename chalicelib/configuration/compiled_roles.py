"""The roles of a compiled configuration, made from their entries when they are asked for.

An entry of many accounts is there once. What its roles have in common is made once, too.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Final, cast

from chalicelib.roles.account import Account
from chalicelib.roles.filled import filled
from chalicelib.roles.places import Listed, Places
from chalicelib.roles.role import Role, WrittenRole, make_role, role_in
from chalicelib.roles.session_rules import WrittenSessionRules, read_session_rules

# What a compiled entry has besides what is written: which account is its, by its place; whether it says of each of its
# accounts something else.
OF: Final = "of"
FILLED: Final = "filled"

Entry = Mapping[str, object]


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
        self.places = Places(map(_listed, entries), self._accounts)
        self._first = cache(self._make_first)

    def role(self, number: int) -> Role:
        """The role of a number."""
        place = self.places[number]
        entry = self._entries[place.entry]
        if place.account is None or entry[FILLED]:
            return self._made(place.entry, place.account)
        return role_in(
            self._accounts[place.account], str(entry["name"]), str(entry["role"]), like=self._first(place.entry)
        )

    def _make_first(self, place: int) -> Role:
        accounts = cast(Sequence[int], self._entries[place]["accounts"])
        return self._made(place, accounts[0])

    def _made(self, place: int, of_many: int | None) -> Role:
        entry = {**self._defaults, **self._entries[place]}
        if of_many is None:
            of = cast(int | None, entry.get(OF))
            account = None if of is None else self._accounts[of]
            return _role(str(entry["name"]), str(entry["arn"]), account, entry)
        account = self._accounts[of_many]
        if entry[FILLED]:
            entry = cast(dict[str, object], filled(entry, account))
        return _role(account.named(str(entry["name"])), account.arn_of(str(entry["role"])), account, entry)


def _listed(entry: Entry) -> Listed:
    if "accounts" not in entry:
        return Listed(str(entry["name"]), str(entry["arn"]))
    return Listed(str(entry["name"]), str(entry["role"]), tuple(cast(Sequence[int], entry["accounts"])))


def _role(name: str, arn: str, account: Account | None, entry: Entry) -> Role:
    written = SimpleNamespace(**{"policy": None, **entry})
    for part in ("params", "claims"):
        setattr(written, part, {name: SimpleNamespace(**one) for name, one in getattr(written, part).items()})
    rules = read_session_rules(cast(WrittenSessionRules, written))
    return make_role(name, arn, account, cast(WrittenRole, written), rules)
