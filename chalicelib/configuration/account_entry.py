"""What may be said of an account? The types of accounts.yaml, and of what roles.yaml says of many accounts."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from chalicelib.aws.partitions import PARTITIONS

AccountId = Annotated[str, Meta(pattern=r"^[0-9]{12}\Z", description="12 digits, in quotes.")]
# It stands in names of roles, behind their `@`: the characters are theirs. Twelve digits are an id, and no name.
ACCOUNT_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
AccountName = Annotated[
    str, Meta(pattern=rf"^(?![0-9]{{12}}\Z){ACCOUNT_NAME}\Z", description="In names of roles: readonly@NAME.")
]
AccountGroup = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]


class AccountEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One account, as an adopter writes it. The JSON Schema of accounts.yaml is made from this type."""

    id: AccountId
    name: AccountName
    partition: Annotated[str, Meta(pattern=rf"^({PARTITIONS})\Z", description="Of AWS.")] = "aws"
    groups: Annotated[
        list[AccountGroup],
        Meta(description='Account groups, for roles.yaml and for policies: resource in AccountGroup::"...".'),
    ] = []
    owner: Annotated[str, Meta(max_length=256, description="Who answers for it. Nobody is told but operators.")] = ""


class AccountsFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of accounts.yaml."""

    accounts: list[AccountEntry]


class Accounts(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """In which accounts an entry of roles.yaml is a role: those of any of the groups, and those that are named."""

    groups: Annotated[list[AccountGroup], Meta(description="Those in any of these groups of accounts.yaml.")] = []
    names: Annotated[list[AccountName], Meta(description="Those that accounts.yaml calls so.")] = []
    without: Annotated[list[AccountName], Meta(description="But not those that it calls so.")] = []


SomeAccounts = Literal["all"] | Accounts

# The patterns above, in words.
PATTERNS_IN_WORDS: Final = {
    "id": "must be 12 digits, with all zeros at its beginning",
    "name": "must be at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit, and not 12 digits",
    "partition": f"must be one of {', '.join(PARTITIONS.split('|'))}",
    "groups": "must hold names of at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit",
    "names": "must hold names of accounts, as accounts.yaml has them",
    "without": "must hold names of accounts, as accounts.yaml has them",
}
