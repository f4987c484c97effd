"""Two configurations to compare, of which the policies are some of a few."""

from collections.abc import Collection
from functools import cache
from typing import Final

from ops.comparing.sides import Side, read_side
from ops.processes.temporary import temporary_directory
from testing.policies import AWAY, HOME, ISSUERS_YAML, ROLES_YAML, configuration_directory

# Each by its name. Those that end in `2` are others of the same name.
POLICIES: Final = {
    "alice": f'permit (principal == IamUser::"arn:aws:iam::{HOME}:user/alice", action, resource);',
    "alice2": f'permit (principal == IamUser::"arn:aws:iam::{HOME}:user/alice", action, '
    'resource in RoleGroup::"open");',
    "dev": 'permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open") '
    'when { principal.hasTag("team") && principal.getTag("team").text == "red" };',
    "dev2": 'permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open") '
    'when { principal.hasTag("team") && principal.getTag("team").text like "r*" };',
    "mfa": 'permit (principal is OidcSubject, action, resource == Role::"deep") '
    'when { principal.hasTag("amr") && principal.getTag("amr").values.contains("mfa") };',
    "mfa2": 'permit (principal is OidcSubject, action, resource == Role::"deep") '
    'when { principal.hasTag("amr") && principal.getTag("amr").values.contains("mfa") && principal.hasTag("team") };',
    "branch": 'permit (principal in OidcIssuer::"github", action, resource == Role::"writer") '
    'when { principal.hasTag("ref") && principal.getTag("ref").text == "refs/heads/main" };',
    "branch2": 'permit (principal in OidcIssuer::"github", action, resource == Role::"writer") '
    'when { principal.hasTag("ref") && '
    '["refs/heads/main", "refs/heads/next"].contains(principal.getTag("ref").text) };',
    "account": f'permit (principal is IamRole in Account::"{AWAY}", action, resource in RoleGroup::"all") '
    "when { context.duration <= 1800 };",
    "account2": f'permit (principal is IamRole in Account::"{AWAY}", action, resource in RoleGroup::"all") '
    "when { context.duration <= 900 };",
    "ci": 'permit (principal == ServiceToken::"ci", action, resource == Role::"reader") '
    'when { principal.owner == "olga" };',
    "ci2": 'permit (principal == ServiceToken::"ci", action, resource == Role::"reader") '
    'when { principal.owner == "olga" && principal.hasTag("env") && principal.getTag("env") == "prod" };',
    "office": 'forbid (principal, action, resource == Role::"reader") '
    'unless { context.source_ip.isInRange(ip("192.0.2.0/24")) };',
    "office2": 'forbid (principal, action, resource == Role::"reader") '
    'unless { context.source_ip.isInRange(ip("192.0.2.0/25")) };',
    "hours": 'forbid (principal is IamUser, action, resource in RoleGroup::"open") '
    'when { context.local.time < duration("9h") || context.local.weekday == Weekday::"Sunday" };',
    "hours2": 'forbid (principal is IamUser, action, resource in RoleGroup::"open") '
    'when { context.local.time < duration("8h") || context.local.weekday == Weekday::"Sunday" };',
    "ticket": 'forbid (principal, action, resource in RoleGroup::"all") '
    'unless { context has reason && context.reason like "INC-*" };',
    "ticket2": 'forbid (principal, action, resource in RoleGroup::"all") '
    'unless { context has reason && (context.reason like "INC-*" || context.reason == "fire") };',
    "tagged": 'forbid (principal is IamRole, action, resource == Role::"writer") '
    'unless { context.tags.hasTag("Team") && context.tags.getTag("Team") == "red" };',
    "narrow": 'forbid (principal is OidcSubject, action, resource == Role::"deep") unless { context.narrowed };',
}
NAMES: Final = tuple(sorted({name.removesuffix("2") for name in POLICIES}))
OTHER_ROLES: Final = ROLES_YAML.replace("groups: [all]}", "groups: [open]}").replace(
    "max_duration: 30m", "max_duration: 20m"
)
OTHER_ISSUERS: Final = ISSUERS_YAML.replace("    claims: {amr: amr, team: team}\n", "    claims: {team: team}\n")


def policies_text(names: Collection[str], audited: Collection[str] = ()) -> str:
    """Policies of `POLICIES`."""
    modes = {name: '@mode("audit") ' if name in audited else "" for name in names}
    return "\n".join(f'@id("{name.removesuffix("2")}") {modes[name]}{POLICIES[name]}' for name in sorted(names))


@cache
def side(
    names: frozenset[str],
    audited: frozenset[str] = frozenset(),
    roles: str = ROLES_YAML,
    issuers: str = ISSUERS_YAML,
    tests: str = "",
) -> Side:
    """A side with these policies, of which some are in audit mode; there as long as the tests run."""
    return side_of(policies_text(names, audited), roles, issuers, tests)


@cache
def side_of(policies: str, roles: str = ROLES_YAML, issuers: str = ISSUERS_YAML, tests: str = "") -> Side:
    """A side with any policies."""
    directory = configuration_directory(temporary_directory(), policies, issuers, roles)
    if tests:
        (directory / "tests").mkdir()
        (directory / "tests/all.yaml").write_text(tests)
    return read_side(str(directory), directory, "dev")


def sides(old: Collection[str], new: Collection[str]) -> tuple[Side, Side]:
    """Two sides that differ in nothing but their policies."""
    return side(frozenset(old)), side(frozenset(new))
