"""What may a role of the catalog be called, and what may be said of it? The types of roles.yaml."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.aws.durations import CHAINED_SECONDS, MAXIMUM_SECONDS, MINIMUM_SECONDS, SHORTEST_SECONDS
from chalicelib.aws.partitions import PARTITIONS
from chalicelib.aws.probes import ProbeAction
from chalicelib.configuration.account_entry import ACCOUNT_NAME, SomeAccounts
from chalicelib.configuration.session_rules_entry import SessionRulesEntry
from chalicelib.text.durations import PATTERN

# Managed policies that may be attached to a role: by default, and where the quota was raised as far as it goes.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
DEFAULT_MANAGED_POLICIES: Final = 10
MAXIMUM_MANAGED_POLICIES: Final = 20
# Each is another policy to be written when a session is revoked.
MAXIMUM_CHAINS: Final = 20

# Catalog names stand in URLs, session tags and Cedar policies: the characters that all three take as they are. What
# depends on it: wire/vend_request.py (_ROLE_NAME_OR_ARN), the client's PLAIN_ROLE, config/roles.schema.json (make
# generate) and docs/catalog.md. tests/unit/test_agreements.py holds the first two against it.
# Behind an `@` is the name of an account; an entry of many accounts has it made.
RoleName = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,63}}(@{ACCOUNT_NAME})?\Z",
        description="How callers ask for the role; with `accounts`, what stands before the `@` of it.",
    ),
]
RoleArn = Annotated[
    str,
    # A path of at most 512 characters and a name of at most 64:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    # IAM takes more characters in a path. Not here: the ARN goes into the function's own IAM policy, where `*`, `?` and
    # `${...}` are wildcards, and into a CloudFormation template, where `{{resolve:...}}` is replaced.
    Meta(
        pattern=rf"^arn:({PARTITIONS}):iam::[0-9]{{12}}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{{1,64}}\Z",
        max_length=640,
        description="ARN of the IAM role, path included.",
    ),
]
RoleInAccounts = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}\Z",
        max_length=575,
        description="With `accounts`: path and name of the IAM role in each of them, such as credvend/readonly.",
    ),
]
# The same characters: with `*` behind it, it goes into the function's IAM policy. Never `/` alone, which is every role.
RolePath = Annotated[
    str,
    Meta(
        pattern=r"^/([A-Za-z0-9_+=,.@-]+/)+\Z",
        max_length=512,
        description="Path of the target roles, such as /credvend/: the function's IAM policy names it, not each role.",
    ),
]
TimeZoneName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}\Z",
        description="Of context.local in policies: the IANA name of a time zone, such as Europe/Berlin.",
    ),
]
GroupName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]
Duration = Annotated[int, Meta(ge=SHORTEST_SECONDS, le=MAXIMUM_SECONDS)] | Annotated[str, Meta(pattern=PATTERN)]
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (ExternalId)
ExternalId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_+=,.@:/-]+\Z", min_length=2, max_length=1224)]


class RoleEntry(
    SessionRulesEntry, msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True
):
    """One role, or one in each of many accounts, as an adopter writes it.

    The JSON Schema of roles.yaml is made from this type. It has an `arn`, or `role` and `accounts`.
    """

    name: RoleName
    arn: RoleArn | UnsetType = UNSET
    role: RoleInAccounts | UnsetType = UNSET
    accounts: Annotated[
        SomeAccounts | UnsetType,
        Meta(description="A role in each of these accounts of accounts.yaml; its name is NAME@ACCOUNT."),
    ] = UNSET
    description: Annotated[str, Meta(max_length=256, description="Shown to callers that may assume the role.")] = ""
    groups: Annotated[
        list[GroupName], Meta(description='Role groups, for policies: resource in RoleGroup::"...".')
    ] = []
    default_duration: Annotated[Duration, Meta(description='Where the caller names none: seconds or "15m".')] = (
        MINIMUM_SECONDS
    )
    min_duration: Annotated[
        Duration, Meta(description="The shortest session, 1s to 15m; below 15m, callers may have leases.")
    ] = MINIMUM_SECONDS
    max_duration: Annotated[
        Duration, Meta(description="The longest session, up to 12h; above 1h, the role trusts credvend's tokens.")
    ] = CHAINED_SECONDS
    external_id: Annotated[ExternalId | None, Meta(description="Sent to STS; the trust policy may demand it.")] = None
    require_reason: Annotated[bool, Meta(description="Callers must say why.")] = False
    source_identity: Annotated[
        bool, Meta(description="Set SourceIdentity; the trust policy must allow sts:SetSourceIdentity.")
    ] = True
    tag_session: Annotated[
        bool, Meta(description="Set credvend:* tags; the trust policy must allow sts:TagSession.")
    ] = True
    probe: Annotated[
        ProbeAction | None,
        Meta(description="What a session may do, by which a revocation is seen in force; needs tag_session: true."),
    ] = None
    chains_to: Annotated[
        list[RoleArn],
        Meta(max_length=MAXIMUM_CHAINS, description="ARNs of roles that its sessions may assume: revoked with them."),
    ] = []


class CatalogFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of roles.yaml. What stands in `roles/` holds `roles` alone."""

    roles: list[RoleEntry] = []
    # Not None where it is left out: a `role_path:` with nothing behind it would not be what its author meant.
    role_path: RolePath | UnsetType = UNSET
    time_zone: TimeZoneName | UnsetType = UNSET
    managed_policies: Annotated[
        int,
        Meta(
            ge=0,
            le=MAXIMUM_MANAGED_POLICIES,
            description="How many managed policies the function's role may have attached, which is a quota of AWS.",
        ),
    ] = DEFAULT_MANAGED_POLICIES


# The patterns above, in words.
PATTERNS_IN_WORDS: Final = {
    "name": "must be at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit; behind an `@` may stand "
    "the name of its account",
    "role": "must be path and name of an IAM role without its account, such as credvend/readonly: letters, digits and "
    "`_+=,.@-`, and no `/` at its beginning",
    "arn": "must be the ARN of an IAM role with its path, such as arn:aws:iam::111122223333:role/path/name; "
    "path and name are letters, digits and `_+=,.@-`",
    "groups": "must hold names of at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit",
    "external_id": "must be letters, digits and `_+=,.@:/-`",
    "policy_arns": "must hold ARNs of managed policies, such as arn:aws:iam::aws:policy/ReadOnlyAccess",
    "chains_to": "must hold ARNs of IAM roles with their paths, such as arn:aws:iam::111122223333:role/path/name",
    "role_path": "must be a path such as /credvend/, which begins and ends with `/` and is not `/` alone, of letters, "
    "digits and `_+=,.@-`",
    "time_zone": "must be the IANA name of a time zone, such as Europe/Berlin",
    "params": "must have names of at most 64 letters, digits, `_` or `-`, the first a letter",
}
