"""Is an entry of roles.yaml what a role may be? One entry, checked by itself, for each account that it is about."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from chalicelib.aws.durations import CHAINED_SECONDS, MINIMUM_SECONDS, TOO_LONG, TOO_SHORT, parse_duration
from chalicelib.aws.policy_document import check_document
from chalicelib.aws.policy_lint import lint
from chalicelib.configuration.account_entry import PATTERNS_IN_WORDS as ACCOUNTS_IN_WORDS
from chalicelib.configuration.account_entry import Accounts
from chalicelib.configuration.accounts_file import ACCOUNTS_FILE, WrittenAccounts, chosen
from chalicelib.configuration.entry_problems import field_message
from chalicelib.configuration.role_entry import PATTERNS_IN_WORDS, RoleEntry
from chalicelib.configuration.session_rules_entry import ClaimEntry, ParamEntry
from chalicelib.roles.account import Account
from chalicelib.roles.filled import filled, holds_account
from chalicelib.roles.role import Role, account_of, make_role, role_in
from chalicelib.roles.scoping_lint import lint_scoping
from chalicelib.roles.session_rules import SessionRules, read_session_rules
from chalicelib.text.durations import MALFORMED
from chalicelib.text.likeness import did_you_mean, nearest

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (SubjectFromWebIdentityToken)
_SUBJECT_CHARACTERS: Final = 255


class CheckedEntry(NamedTuple):
    """An entry without an error in it.

    Attributes:
        entry: of many accounts, that of the first of them.
        accounts: that it is about, by their places; none where it is one role.
        is_filled: it says of each account something else.
        roles: one, or one for each account.
    """

    entry: RoleEntry
    accounts: tuple[int, ...]
    is_filled: bool
    roles: tuple[Role, ...]


def is_of_many(value: object) -> bool:
    """Whether an entry is meant to be a role in each of some accounts."""
    return isinstance(value, dict) and ("accounts" in value or "role" in value)


def check_entry(value: object, accounts: WrittenAccounts) -> CheckedEntry:
    """Check an entry, and make its roles.

    Args:
        value: of YAML.

    Raises:
        ValueError: it is no role, in words; the key first.
    """
    if isinstance(value, dict) and is_of_many(value):
        return _of_many(value, accounts.accounts)
    entry = _converted(value)
    if entry.arn is UNSET:
        raise ValueError("lacks the required field `arn`")
    account = _account(entry.name, entry.arn, accounts)
    return CheckedEntry(entry, (), False, (_role(entry, entry.name, entry.arn, account),))


def _of_many(value: dict[object, object], accounts: Sequence[Account]) -> CheckedEntry:
    anywhere = _converted(filled(value, _ANY))
    if anywhere.arn is not UNSET:
        raise ValueError("`arn` is that of one role: leave it out, or leave out `role` and `accounts`")
    if anywhere.role is UNSET or anywhere.accounts is UNSET:
        there, lacking = ("accounts", "role") if anywhere.role is UNSET else ("role", "accounts")
        raise ValueError(f"`{there}` needs `{lacking}` beside it")
    if "@" in anywhere.name:
        raise ValueError("`name` must not hold an `@`: the name of each account is put behind one")
    some = anywhere.accounts
    places = chosen(some, accounts)
    is_filled = holds_account(value)
    first = _converted(filled(value, accounts[places[0]]))
    # What names accounts or partitions may fit one account, and not the next.
    differs = is_filled or bool(first.policy_arns) or bool(first.chains_to)
    roles: list[Role] = []
    for place in places:
        account = accounts[place]
        if roles and not differs:
            roles.append(role_in(account, first.name, str(first.role), like=roles[0]))
            continue
        try:
            entry = _converted(filled(value, account)) if is_filled else first
            roles.append(_role(entry, account.named(entry.name), account.arn_of(str(entry.role)), account))
        except ValueError as error:
            raise ValueError(f"{error} (in account {account.name})") from None
    return CheckedEntry(first, places, is_filled, tuple(roles))


# In whose place any account may be: what is wrong with an entry whatever the account is told before its accounts are.
_ANY: Final = Account("111122223333", "any")


def _account(name: str, arn: str, accounts: WrittenAccounts) -> Account | None:
    """The account of a role that says its ARN.

    Raises:
        ValueError: accounts.yaml does not have it, or says something else of it.
    """
    if not accounts.accounts:
        return None
    number = account_of(arn)
    account = accounts.by_id.get(number)
    if account is None:
        meant = did_you_mean(nearest(number, accounts.by_id))
        raise ValueError(f"`arn`: {number} is no account of {ACCOUNTS_FILE}{meant}")
    if arn.split(":")[1] != account.partition:
        raise ValueError(f"`arn` is of partition {arn.split(':')[1]}, and {ACCOUNTS_FILE} says {account.partition}")
    _, at, named = name.partition("@")
    if at and named != account.name:
        raise ValueError(f"`name` says that its account is {named}, and {ACCOUNTS_FILE} calls it {account.name}")
    return account


def _converted(value: object) -> RoleEntry:
    """An entry, each key by itself.

    Raises:
        ValueError: what is wrong with one.
    """
    try:
        return msgspec.convert(value, RoleEntry, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(_nested(value) or _message(str(error), value)) from None


def _role(checked: RoleEntry, name: str, arn: str, account: Account | None) -> Role:
    default_duration = _seconds("default_duration", checked.default_duration)
    max_duration = _seconds("max_duration", checked.max_duration)
    min_duration = _seconds("min_duration", checked.min_duration)
    if min_duration > MINIMUM_SECONDS:
        raise ValueError(f"`min_duration` ({min_duration} s) is longer than {MINIMUM_SECONDS} s (15m)")
    if min_duration > default_duration:
        raise ValueError(f"`default_duration` ({default_duration} s) is shorter than min_duration ({min_duration} s)")
    if default_duration > max_duration:
        raise ValueError(f"`default_duration` ({default_duration} s) is longer than max_duration ({max_duration} s)")
    if len(set(checked.groups)) != len(checked.groups):
        raise ValueError("`groups` names a group twice")
    if checked.probe is not None and not checked.tag_session:
        raise ValueError("`probe` needs `tag_session: true`: the session that asks is known by its tag")
    if len({arn, *checked.chains_to}) <= len(checked.chains_to):
        raise ValueError("`chains_to` names the role itself, or another one twice")
    for onward in checked.chains_to:
        if onward.split(":")[1] != arn.split(":")[1]:
            raise ValueError(f"`chains_to` names {onward}, of another partition, to which no session can go on")
    role = make_role(name, arn, account, checked, _session_rules(checked, arn))
    if role.by_web_identity:
        _check_web_identity(role)
    return role


def _check_web_identity(role: Role) -> None:
    """Whether sessions of more than an hour can be had of it.

    Raises:
        ValueError: they cannot.
    """
    beyond = f"`max_duration` is more than {CHAINED_SECONDS} s (1h), for which AWS is given a token"
    if len(role.arn) > _SUBJECT_CHARACTERS:
        raise ValueError(f"{beyond} that names the role: `arn` must have at most {_SUBJECT_CHARACTERS} characters")
    if role.external_id is not None:
        raise ValueError(f"{beyond}, and no `external_id`: leave that out, and have the role trust the token's subject")


def _session_rules(entry: RoleEntry, role_arn: str) -> SessionRules:
    # Before its placeholders: where these may stand depends on operators, which may be misspelt.
    with _in_policy():
        statements = () if entry.policy is UNSET else check_document(entry.policy)
        lint(statements)
    rules = read_session_rules(entry)
    with _in_policy():
        lint_scoping(statements)
    if (rules.tags or rules.caller_tags or rules.transitive_tags) and not entry.tag_session:
        raise ValueError("`tags`, `caller_tags` and `transitive_tags` need `tag_session: true`")
    home = role_arn.split(":")
    for arn in rules.policy_arns:
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (PolicyArns)
        if arn.split(":")[1] != home[1] or arn.split(":")[4] not in ("aws", home[4]):
            raise ValueError(f"`policy_arns` names {arn}: policies must be AWS's own or of the role's account")
    return rules


@contextmanager
def _in_policy() -> Iterator[None]:
    """What is wrong with it, is wrong with the role's `policy`."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"`policy` {error}") from None


def _seconds(field: str, value: int | str) -> int:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"`{field}` {error}") from None


# The keys of a role that hold others by name, and what these are.
_NESTED: Final[Mapping[str, type[msgspec.Struct]]] = {"params": ParamEntry, "claims": ClaimEntry}


def _nested(entry: object) -> str:
    """What is wrong with a param, a claim or a tag, by its name, which msgspec does not tell; empty if nothing is.

    And with `accounts`, which may be a word or keys with values.
    """
    wrong = _about_accounts(entry)
    if wrong:
        return wrong
    for key, kind in _NESTED.items():
        for name, value in _items(entry, key):
            if not isinstance(value, dict):
                return f"`{key}.{name}` must be written {{pattern: ...}}"
            try:
                msgspec.convert(value, kind, strict=True)
            except msgspec.ValidationError as error:
                return f"`{key}.{name}`: {field_message(str(error), kind, {})}"
    return next(
        (f"`tags.{key}` must be a text: quote it" for key, value in _items(entry, "tags") if value != str(value)), ""
    )


def _about_accounts(entry: object) -> str:
    some = entry.get("accounts", "all") if isinstance(entry, dict) else "all"
    if some == "all":
        return ""
    if not isinstance(some, dict):
        return "`accounts` must be `all`, or written {groups: [...]} or {names: [...]}"
    try:
        msgspec.convert(some, Accounts, strict=True)
    except msgspec.ValidationError as error:
        return f"`accounts`: {field_message(str(error), Accounts, ACCOUNTS_IN_WORDS)}"
    return ""


def _about_account(arn: str) -> str:
    """What is wrong with the account of an ARN, where that is."""
    match = re.fullmatch(r"(arn:[a-z-]+:iam::)([0-9 -]*)(:role/.+)", arn, re.ASCII)
    if match is None:
        return ""
    digits = re.sub("[ -]", "", match[2])
    if len(digits) == len("111122223333"):
        return did_you_mean(f"{match[1]}{digits}{match[3]}") if digits != match[2] else ""
    return f"; its account has {len(digits)} digits; an account has 12, with all zeros at its beginning"


def _items(entry: object, key: str) -> list[tuple[object, object]]:
    values = entry.get(key) if isinstance(entry, dict) else None
    return list(values.items()) if isinstance(values, dict) else []


def _message(error: str, entry: object) -> str:
    message = field_message(error, RoleEntry, PATTERNS_IN_WORDS)
    if message.startswith("`arn` ") and isinstance(entry, dict):
        return message + _about_account(str(entry.get("arn")))
    if message.startswith("`policy` must be keys with values"):
        return "`policy` must be a policy document, written out in YAML: Version, Statement and so on"
    for key in ("`default_duration` ", "`max_duration` ", "`min_duration` "):
        if message.startswith(key) and " - at `$." in error:  # msgspec's words, about a number or a text
            return key + (TOO_SHORT if ">=" in error else TOO_LONG if "<=" in error else MALFORMED)
    return message
