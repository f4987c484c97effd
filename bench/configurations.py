"""Configurations of any size, and who asks for what in them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from testing.tokens import Key, key_set

ACCOUNT: Final = "111122223333"
ISSUER: Final = "https://id.example.com"
AUDIENCE: Final = "credvend"
# What policies are about: a caller and a role or a group of roles; a caller and any role; anybody and any role.
Shape = Literal["role", "caller", "anything"]
# Three counts for each vend, of a limit that nobody reaches.
SESSIONS: Final = "quotas: [{name: all, per_minute: 1000000, per_day: 1000000, live: 1000}]\n"
_ROLES_OF_A_GROUP: Final = 10
_ASKED_ABOUT: Final = 1000


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is in a configuration.

    Attributes:
        accounts: that the roles are in, if they are roles of many.
        long: sessions last up to 12 hours, and from a second on.
    """

    roles: int
    policies: int
    shape: Shape = "role"
    ledger: bool = False
    accounts: int = 0
    long: bool = False

    @property
    def name(self) -> str:
        beside = {"ledger": self.ledger, f"{self.accounts}-accounts": self.accounts, "long": self.long}
        return "-".join(
            [f"{self.roles}-{self.policies}-{self.shape}", *(name for name, there in beside.items() if there)]
        )

    @property
    def questions(self) -> list[tuple[str, str]]:
        """A user and a role, for each role or a thousand of them: every other user is one that policies are about."""
        numbers = range(0, self.roles, max(1, self.roles // _ASKED_ABOUT))
        return [
            ("stranger" if place % 2 else f"user-{number}", self.role(number)) for place, number in enumerate(numbers)
        ]

    def role(self, number: int) -> str:
        """The catalog name of a role."""
        if not self.accounts:
            return f"role-{number}"
        return f"role-{self.entry(number)}@account-{number % self.accounts}"

    def entry(self, number: int) -> int:
        """The place in `roles.yaml` of what a role comes from: one entry makes a role of each account."""
        return number // max(1, self.accounts)


def _group(entry: int) -> str:
    return f"group-{entry // _ROLES_OF_A_GROUP}"


def write_configuration(directory: Path, size: Size, issuer_key: Key) -> Path:
    """Write a configuration directory, with an issuer whose keys need no network."""
    (directory / "policies").mkdir(parents=True, exist_ok=True)
    (directory / "keys").mkdir(exist_ok=True)
    roles = "".join(_role(number, size) for number in range(size.entry(size.roles)))
    if size.accounts:
        accounts = (f'  - {{id: "{number:012}", name: account-{number}}}\n' for number in range(1, size.accounts + 1))
        named = "".join(accounts).replace(f"account-{size.accounts}}}", "account-0}")
        (directory / "accounts.yaml").write_text(f"accounts:\n{named}", encoding="utf-8")
    # More do not fit into IAM policies one by one.
    setting = "role_path: /team/\n" if size.roles > _ASKED_ABOUT else ""
    (directory / "roles.yaml").write_text(f"{setting}roles:\n{roles}", encoding="utf-8")
    (directory / "sessions.yaml").write_text(SESSIONS if size.ledger else "ledger: false\n", encoding="utf-8")
    per_file = 100
    policies = [_policy(number, size) for number in range(size.policies)]
    for start in range(0, len(policies), per_file):
        path = directory / f"policies/team-{start // per_file}.cedar"
        path.write_text("\n".join(policies[start : start + per_file]), encoding="utf-8")
    (directory / "issuers.yaml").write_text(
        f"issuers: [{{name: bench, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/bench.json}}]\n",
        encoding="utf-8",
    )
    (directory / "keys/bench.json").write_text(json.dumps(key_set(issuer_key)), encoding="utf-8")
    return directory


def _role(number: int, size: Size) -> str:
    # Every tenth shapes its sessions, as a catalog has some that do.
    shaped = (
        "    params: {tenant: {pattern: '[a-z]{1,32}', default: acme}}\n"
        "    policy: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', "
        "Resource: 'arn:aws:s3:::data/${params.tenant}/*'}]}\n"
        if number % 10 == 9
        else ""
    )
    bounds = "min_duration: 1s\n    max_duration: 12h" if size.long else "max_duration: 1h"
    one = f"    arn: arn:aws:iam::{ACCOUNT}:role/team/role-{number}\n"
    where = f"    role: team/role-{number}\n    accounts: all\n" if size.accounts else one
    return (
        f"  - name: role-{number}\n{where}"
        f"    description: Number {number} of many.\n    groups: [{_group(number)}]\n"
        f"    {bounds}\n{shaped}"
    )


def _policy(number: int, size: Size) -> str:
    """Policy by number. All kinds take turns; where there are five policies for each role, it has one of each kind."""
    role = number * size.roles // size.policies
    user = f'principal == IamUser::"arn:aws:iam::{ACCOUNT}:user/user-{role}"'
    if size.shape == "caller":
        return f'@id("p{number}") permit ({user}, action, resource) when {{ context.duration <= {900 + number % 5} }};'
    if size.shape == "anything":
        condition = f'principal is IamUser && principal.name == "user-{role}" && context.duration <= {900 + number % 5}'
        return f'@id("p{number}") permit (principal, action, resource) when {{ {condition} }};'
    name = size.role(role)
    scope = [
        f'permit ({user}, action, resource == Role::"{name}")',
        f'permit (principal == OidcSubject::"bench:user-{role}", action, resource == Role::"{name}")',
        f'forbid (principal is IamUser, action, resource == Role::"{name}") when {{ context.duration > 3000 }}',
        f'permit ({user}, action, resource in RoleGroup::"{_group(size.entry(role))}")'
        " when { context.duration <= 1800 }",
        f'permit (principal in Account::"{ACCOUNT}", action, resource == Role::"{name}")'
        ' when { principal is IamRole && principal.session_name like "*@example.com" && context.has_reason }',
    ]
    return f'@id("p{number}") {scope[number % len(scope)]};'
