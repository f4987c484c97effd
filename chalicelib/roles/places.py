"""Where in the catalog is a role, by its name or its ARN?

An entry of many accounts is a role in each of them. They are not listed one by one, for there may be tens of thousands:
a name is taken apart at its `@`, an ARN at its colons.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from chalicelib.roles.account import Account

# No name has one, so a name is never taken for an ARN.
_COLON: Final = ":"


class Listed(NamedTuple):
    """An entry of the catalog, as far as roles are found by it.

    Attributes:
        name: of the role; of an entry of many accounts, what stands before the `@`.
        arn: of the role; of an entry of many accounts, path and name of the role in each of them.
        accounts: places among the accounts; none where the entry is one role.
    """

    name: str
    arn: str
    accounts: tuple[int, ...] = ()


class Place(NamedTuple):
    """What a role is made from: its entry, and its account, both by their places; None: the entry is one role."""

    entry: int
    account: int | None


class Places:
    """Numbers the roles: entry by entry, each in the order of its accounts."""

    def __init__(self, entries: Iterable[Listed], accounts: Sequence[Account]) -> None:
        self._accounts = accounts
        self._entries = tuple(entries)
        counts = [len(entry.accounts) or 1 for entry in self._entries]
        self._starts = [0, *accumulate(counts)]
        self.count = self._starts.pop()
        self._alone: dict[str, int] = {}
        # The entries of many accounts, by name and by what their ARNs have in common; and where an account is among
        # theirs, which hundreds of entries have in common.
        self._by_name: dict[str, list[int]] = {}
        self._by_role: dict[str, list[int]] = {}
        self._among: dict[tuple[int, ...], Mapping[int, int]] = {}
        for place, entry in enumerate(self._entries):
            if entry.accounts:
                self._by_name.setdefault(entry.name, []).append(place)
                self._by_role.setdefault(entry.arn, []).append(place)
                if entry.accounts not in self._among:
                    self._among[entry.accounts] = {account: nth for nth, account in enumerate(entry.accounts)}
            else:
                self._alone[entry.name] = self._alone[entry.arn] = self._starts[place]
        self._names = {account.name: place for place, account in enumerate(accounts)}
        self._ids = {account.id: place for place, account in enumerate(accounts)}

    def find(self, name_or_arn: str) -> int | None:
        """The number of the role of that name or ARN."""
        alone, of_many = self._alone.get(name_or_arn), self._of_many(name_or_arn)
        return of_many if alone is None else alone

    def __getitem__(self, number: int) -> Place:
        """What the role of that number is made from."""
        entry = bisect_right(self._starts, number) - 1
        accounts = self._entries[entry].accounts
        return Place(entry, accounts[number - self._starts[entry]] if accounts else None)

    def _of_many(self, name_or_arn: str) -> int | None:
        if _COLON in name_or_arn:
            return self._by_arn(name_or_arn)
        name, _, account = name_or_arn.partition("@")
        return self._in(self._names.get(account), self._by_name.get(name, ()))

    def _by_arn(self, arn: str) -> int | None:
        beginning, _, role = arn.partition("role/")
        account = self._ids.get(beginning.rstrip(_COLON).rpartition(_COLON)[2])
        if account is None or self._accounts[account].arn_of(role) != arn:
            return None
        return self._in(account, self._by_role.get(role, ()))

    def _in(self, account: int | None, entries: Iterable[int]) -> int | None:
        """The role of the first of some entries that has one in an account."""
        if account is None:
            return None
        for entry in entries:
            nth = self._among[self._entries[entry].accounts].get(account)
            if nth is not None:
                return self._starts[entry] + nth
        return None
