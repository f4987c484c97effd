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


Listed = tuple[str, str, tuple[int, ...]]
"""An entry of the catalog, as far as roles are found by it: name and ARN of the role, and no accounts. Or what stands
before the `@`, path and name of the role in each account, and the accounts, by their places."""


class Place(NamedTuple):
    """What a role is made from: its entry, and its account, both by their places; None: the entry is one role."""

    entry: int
    account: int | None


class Places:
    """Numbers the roles: entry by entry, each in the order of its accounts."""

    def __init__(self, entries: Sequence[Listed], accounts: Sequence[Account]) -> None:
        self._accounts = accounts
        self._entries = entries
        of_many = [place for place, (_, _, some) in enumerate(entries) if some]
        counts = (len(some) or 1 for _, _, some in entries)
        self._starts: Sequence[int] = [0, *accumulate(counts)] if of_many else range(len(entries) + 1)
        self.count = self._starts[-1]
        self._alone = {
            text: start
            for start, (name, arn, some) in zip(self._starts, entries, strict=False)
            if not some
            for text in (name, arn)
        }
        # The entries of many accounts, by name and by what their ARNs have in common; and where an account is among
        # theirs, which hundreds of entries have in common.
        self._by_name: dict[str, list[int]] = {}
        self._by_role: dict[str, list[int]] = {}
        self._among: dict[tuple[int, ...], Mapping[int, int]] = {}
        for place in of_many:
            name, role, some = entries[place]
            self._by_name.setdefault(name, []).append(place)
            self._by_role.setdefault(role, []).append(place)
            if some not in self._among:
                self._among[some] = {account: nth for nth, account in enumerate(some)}
        self._names = {account.name: place for place, account in enumerate(accounts)}
        self._ids = {account.id: place for place, account in enumerate(accounts)}

    def find(self, name_or_arn: str) -> int | None:
        """The number of the role of that name or ARN."""
        alone, of_many = self._alone.get(name_or_arn), self._of_many(name_or_arn)
        return of_many if alone is None else alone

    def __getitem__(self, number: int) -> Place:
        """What the role of that number is made from."""
        entry = bisect_right(self._starts, number) - 1
        accounts = self._entries[entry][2]
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
            nth = self._among[self._entries[entry][2]].get(account)
            if nth is not None:
                return self._starts[entry] + nth
        return None
