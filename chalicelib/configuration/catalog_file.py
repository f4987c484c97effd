"""How is the catalog written? `config/roles.yaml` and `roles/`, read and checked whole before anything is deployed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from chalicelib.configuration.accounts_file import WrittenAccounts, read_accounts
from chalicelib.configuration.checked_role import CheckedEntry, check_entry, is_of_many
from chalicelib.configuration.entry_problems import field_message, located
from chalicelib.configuration.json_schema import json_schema
from chalicelib.configuration.owned_files import owned_files, problem_with_file
from chalicelib.configuration.role_entry import DEFAULT_MANAGED_POLICIES, PATTERNS_IN_WORDS, CatalogFile, RoleEntry
from chalicelib.configuration.time_zone import find_time_zone
from chalicelib.configuration.yaml_file import Entry, Listing, read_listing
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from chalicelib.text.local_time import TimeZone

_SETTINGS: Final = ("role_path", "managed_policies", "time_zone")


class WrittenEntry(NamedTuple):
    """An entry as it is written.

    Attributes:
        value: of YAML; entry: the same, checked; of many accounts, that of the first of them.
        file, line: where it is.
        accounts: places of its accounts in `WrittenCatalog.accounts`; none where it is one role.
        is_filled: `value` says of each account something else.
        first: which of the catalog's roles is its first.
    """

    value: Mapping[str, object]
    entry: RoleEntry
    file: str
    line: int
    accounts: tuple[int, ...]
    is_filled: bool
    first: int

    @property
    def places(self) -> range:
        """Which of the catalog's roles are its."""
        return range(self.first, self.first + (len(self.accounts) or 1))

    @property
    def label(self) -> str:
        """Where it is, and what it is called, for messages."""
        return f"{self.file}: role {self.entry.name!r} (line {self.line})"


@dataclass(frozen=True, slots=True)
class WrittenCatalog:
    """The whole of roles.yaml and what belongs to it, checked.

    Attributes:
        entries: as they are written, in the order of the files.
        roles: the same as they are meant: one for each entry, or one for each of its accounts.
        role_path: granted to the function instead of each role below it; begins and ends with `/`.
        managed_policies: how many of them may be attached to the function's role.
        time_zone: of local times in policies; None is UTC.
        accounts: of accounts.yaml.
    """

    entries: tuple[WrittenEntry, ...]
    roles: tuple[Role, ...]
    role_path: str | None = None
    managed_policies: int = DEFAULT_MANAGED_POLICIES
    time_zone: TimeZone | None = None
    accounts: WrittenAccounts = field(default_factory=WrittenAccounts)


def load_catalog(path: Path) -> Catalog:
    """Read and check roles.yaml and what belongs to it.

    Raises:
        ConfigError: one line for every problem, naming file, role and line.
    """
    return Catalog(read_catalog(path).roles)


def read_catalog(path: Path) -> WrittenCatalog:
    """roles.yaml, `roles/` and accounts.yaml beside it, checked: as they are written and as they are meant.

    Raises:
        ConfigError: one line for every problem, naming file, role and line.
    """
    problems: list[str] = []
    entries, settings = _read_files(path, problems)
    file, time_zone = _read_settings(path, settings, problems)
    accounts = WrittenAccounts()
    try:
        accounts = read_accounts(path.parent)
    except ConfigError as error:
        problems += error.problems
        # Of the others it could be said only that their accounts are unknown.
        entries = [entry for entry in entries if not is_of_many(entry.value)]
    written, roles = _check_entries(entries, accounts, problems)
    if problems:
        raise ConfigError(problems)
    return WrittenCatalog(
        entries=tuple(written),
        roles=tuple(roles),
        role_path=None if file.role_path is UNSET else file.role_path,
        managed_policies=file.managed_policies,
        time_zone=time_zone,
        accounts=accounts,
    )


def catalog_json_schema() -> dict[str, object]:
    """JSON Schema of roles.yaml, so that editors complete and check it."""
    schema = json_schema(CatalogFile, "credvend role catalog")
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)  # noqa: S101 msgspec makes it so
    one, many = {"required": ["arn"]}, {"required": ["role", "accounts"], "not": {"required": ["arn"]}}
    definitions["RoleEntry"]["oneOf"] = [one, many]
    return schema


def _read_files(path: Path, problems: list[str]) -> tuple[list[Entry], Mapping[str, object]]:
    """The entries of all files, and the settings of the first; what is wrong with a file is added to the problems."""
    more = list(owned_files(path))
    listings: list[Listing] = []
    settings: Mapping[str, object] = {}
    try:
        main = read_listing(path, path.name, "roles", _SETTINGS)
        settings = main.settings
        if main.entries is None and not more:
            raise ConfigError([f'{path.name}: must hold a list "roles"'])
        listings.append(main)
    except ConfigError as error:
        problems += error.problems
    for file in more:
        wrong = problem_with_file(file)
        try:
            if wrong is not None:
                raise ConfigError([wrong])
            listing = read_listing(file.path, file.name, "roles")
            if listing.entries is None:
                raise ConfigError([f'{file.name}: must hold a list "roles"'])
            listings.append(listing)
        except ConfigError as error:
            problems += error.problems
    return [entry for listing in listings for entry in listing.entries or ()], settings


def _read_settings(
    path: Path, settings: Mapping[str, object], problems: list[str]
) -> tuple[CatalogFile, TimeZone | None]:
    file = CatalogFile()
    try:
        file = msgspec.convert(dict(settings), CatalogFile, strict=True)
    except msgspec.ValidationError as error:
        problems.append(f"{path.name}: {field_message(str(error), CatalogFile, PATTERNS_IN_WORDS)}")
    if file.time_zone is UNSET:
        return file, None
    try:
        return file, find_time_zone(file.time_zone)
    except ValueError as error:
        problems.append(f"{path.name}: `time_zone` {error}")
    return file, None


def _check_entries(
    entries: Sequence[Entry], accounts: WrittenAccounts, problems: list[str]
) -> tuple[list[WrittenEntry], list[Role]]:
    written: list[WrittenEntry] = []
    roles: list[Role] = []
    known = _Known()
    for index, entry in enumerate(entries):
        checked: CheckedEntry | None = None
        try:
            checked = check_entry(entry.value, accounts)
        except ValueError as error:
            problems.append(located("role", entry.value, index, entry, str(error)))
        problems += [located("role", entry.value, index, entry, wrong) for wrong in known.add(entry, checked)]
        if checked is not None:
            assert isinstance(entry.value, dict)  # noqa: S101 or it would be no role
            where = (entry.file, entry.line, checked.accounts, checked.is_filled, len(roles))
            written.append(WrittenEntry(entry.value, checked.entry, *where))
            roles += checked.roles
    return written, roles


class _Known:
    """Which names and ARNs the entries so far have."""

    def __init__(self) -> None:
        self._first: dict[str, dict[str, Entry]] = {"name": {}, "arn": {}}

    def add(self, entry: Entry, checked: CheckedEntry | None) -> Iterator[str]:
        """What an entry has that another one has, too: a line for each other entry."""
        for key, first in self._first.items():
            others: dict[str, list[str]] = {}
            for value in _values(key, entry, checked):
                if value in first:
                    others.setdefault(first[value].place, []).append(value)
                first.setdefault(value, entry)
            for place, values in others.items():
                more = f" (and so {len(values) - 1} more)" if len(values) > 1 else ""
                yield f"`{key}` {values[0]} is that of the role in {place}, too{more}"


def _values(key: str, entry: Entry, checked: CheckedEntry | None) -> Sequence[str]:
    if checked is not None:
        return [role.name if key == "name" else role.arn for role in checked.roles]
    value = entry.value.get(key) if isinstance(entry.value, dict) and not is_of_many(entry.value) else None
    return [value] if isinstance(value, str) else []
