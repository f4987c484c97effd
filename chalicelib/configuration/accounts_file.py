"""Which accounts are there? `accounts.yaml` and `accounts/`, read and checked whole before anything is deployed."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from chalicelib.configuration.account_entry import PATTERNS_IN_WORDS, AccountEntry, Accounts, AccountsFile, SomeAccounts
from chalicelib.configuration.entry_problems import field_message, located
from chalicelib.configuration.json_schema import json_schema
from chalicelib.configuration.owned_files import OwnedFile, owned_files, problem_with_file
from chalicelib.configuration.yaml_file import Entry, read_listing
from chalicelib.errors import ConfigError
from chalicelib.roles.account import Account
from chalicelib.text.likeness import did_you_mean, nearest

ACCOUNTS_FILE: Final = "accounts.yaml"
_UNIQUE: Final = ("id", "name")


class WrittenAccounts(NamedTuple):
    """The accounts, in the order of their files.

    Attributes:
        accounts: as decisions see them; by_id: the same.
        owners: who answers for each, by its id; empty where the file does not say.
    """

    accounts: tuple[Account, ...] = ()
    by_id: Mapping[str, Account] = MappingProxyType({})
    owners: Mapping[str, str] = MappingProxyType({})


def read_accounts(config: Path) -> WrittenAccounts:
    """The accounts of a configuration directory, checked; none, where it does not speak of them.

    Raises:
        ConfigError: one line for every problem, naming file, account and line.
    """
    main = config / ACCOUNTS_FILE
    files = [*([OwnedFile(main, main.name)] if main.exists() else []), *owned_files(main)]
    problems: list[str] = []
    entries: list[Entry] = []
    for file in files:
        problem = problem_with_file(file)
        try:
            entries += _entries(file) if problem is None else ()
        except ConfigError as error:
            problems += error.problems
        problems += [problem] if problem is not None else []
    found: list[AccountEntry] = []
    for index, entry in enumerate(entries):
        try:
            found.append(msgspec.convert(entry.value, AccountEntry, strict=True))
        except msgspec.ValidationError as error:
            message = field_message(str(error), AccountEntry, PATTERNS_IN_WORDS)
            problems.append(located("account", entry.value, index, entry, message))
    problems += _twice(entries)
    if problems:
        raise ConfigError(problems)
    accounts = tuple(Account(one.id, one.name, one.partition, tuple(one.groups)) for one in found)
    return WrittenAccounts(accounts, {one.id: one for one in accounts}, {one.id: one.owner for one in found})


def chosen(some: SomeAccounts, accounts: Sequence[Account]) -> tuple[int, ...]:
    """The accounts that an entry of roles.yaml means, by their places.

    Raises:
        ValueError: there is no such account or group, or none is left. The message begins with the key.
    """
    if not accounts:
        raise ValueError(f"`accounts` needs {ACCOUNTS_FILE}, which names no account")
    if some == "all":
        return tuple(range(len(accounts)))
    assert isinstance(some, Accounts)  # noqa: S101 the other of the two
    if not some.groups and not some.names:
        raise ValueError("`accounts` must be `all`, or name `groups` or `names`")
    groups = {group for account in accounts for group in account.groups}
    names = {account.name for account in accounts}
    _check("groups", some.groups, groups, "is a group of no account in")
    _check("names", some.names, names, "is no account of")
    _check("without", some.without, names, "is no account of")
    wanted = frozenset(some.groups)
    meant = [
        place
        for place, account in enumerate(accounts)
        if account.name not in some.without and (account.name in some.names or not wanted.isdisjoint(account.groups))
    ]
    if not meant:
        raise ValueError("`accounts` leaves no account: `without` takes all of them away")
    return tuple(meant)


def accounts_json_schema() -> dict[str, object]:
    """JSON Schema of accounts.yaml, so that editors complete and check it."""
    return json_schema(AccountsFile, "credvend accounts")


def _entries(file: OwnedFile) -> tuple[Entry, ...]:
    entries = read_listing(file.path, file.name, "accounts").entries
    if entries is None:
        raise ConfigError([f'{file.name}: must hold a list "accounts"'])
    return entries


def _check(key: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
    there = frozenset(known)
    for name in names:
        if name not in there:
            raise ValueError(f"`accounts.{key}`: {name} {what} {ACCOUNTS_FILE}{did_you_mean(nearest(name, there))}")


def _twice(entries: Sequence[Entry]) -> list[str]:
    """A line for each id or name that two accounts have, with both places."""
    problems: list[str] = []
    for key in _UNIQUE:
        first: dict[str, Entry] = {}
        for index, entry in enumerate(entries):
            value = entry.value.get(key) if isinstance(entry.value, dict) else None
            if not isinstance(value, str):
                continue
            if value in first:
                message = f"`{key}` {value} is that of the account in {first[value].place}, too"
                problems.append(located("account", entry.value, index, entry, message))
            first.setdefault(value, entry)
    return problems
