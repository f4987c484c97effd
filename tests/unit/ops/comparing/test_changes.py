"""What differs between two configurations is said in words, and what does not is not."""

import json
from pathlib import Path

import pytest

from ops.comparing.changes import Changed, changes
from ops.comparing.sides import read_side
from testing.policies import HOME, ISSUERS_YAML, ROLES_YAML, configuration_directory
from testing.tokens import ec_key, key_set
from tests.unit.ops.comparing.sides import side_of

ANY = '@id("any") permit (principal is IamUser, action, resource);'


def of_policies(old: str, new: str) -> list[Changed]:
    return changes(side_of(f"{ANY}{old}"), side_of(f"{ANY}{new}"))


def test_the_same_differs_in_nothing() -> None:
    spaced = ANY.replace("(", "(\n  ").replace(", ", " ,  ") + "// a comment"
    assert changes(side_of(ANY), side_of(spaced)) == []


PERMIT = '@id("p") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open")'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "",
            f"{PERMIT} when {{ context.has_reason && context.duration < 1000 }};",
            [
                (
                    "+", "p", "permit group dev of issuer okta", 'resource in RoleGroup::"open"',
                    "when context.has_reason", "when context.duration < 1000",
                )
            ],
        ),
        (f"{PERMIT};", "", [("-", "p", "permit group dev of issuer okta", 'resource in RoleGroup::"open"')]),
        (f"{PERMIT};", f"{PERMIT};".replace('"p"', '"q"'), [("~", "p", "is called q now")]),
        (f"{PERMIT};", f'@mode("audit") {PERMIT};', [("~", "p", "is in audit mode, and was enforced")]),
        (f'@mode("audit") {PERMIT};', f"{PERMIT};", [("~", "p", "is enforced, and was in audit mode")]),
        (f"{PERMIT};", f"{PERMIT};".replace("permit", "forbid"), [("~", "p", "forbids, and permitted")]),
        (
            f"{PERMIT} when {{ context.has_reason }};",
            '@id("p") permit (principal in OidcGroup::"okta:ops", action, resource) unless { context.narrowed };',
            [
                (
                    "~", "p",
                    'principal in OidcGroup::"okta:ops" (was: principal in OidcGroup::"okta:dev")',
                    'every role (was: resource in RoleGroup::"open")',
                    "+ unless context.narrowed", "- when context.has_reason",
                )
            ],
        ),
        (
            f"{PERMIT};",
            f'@note("x") {PERMIT};',
            [("~", "p", "says the same in another way, or has other annotations")],
        ),
    ],
)  # fmt: skip
def test_policies_are_told_by_what_they_say(old: str, new: str, expected: list[tuple[str, ...]]) -> None:
    assert [(one.sign, one.name, *one.words) for one in of_policies(old, new)] == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("groups: [open, all]", "groups: [all, closed]", ("~", "writer", "`groups`: + closed, - open")),
        ("max_duration: 30m", "max_duration: 45m", ("~", "reader", "`max_duration`: 30m -> 45m")),
        (", max_duration: 30m", "", ("~", "reader", "`max_duration`: 30m -> none")),
        ("[Team, Environment]", "[Environment]", ("~", "writer", "`caller_tags`: - Team")),
        ('{tenant: {pattern: "[a-z]+"}}', '{tenant: {pattern: "[a-y]+"}}', ("~", "writer", "`params`: ~ tenant")),
        ("name: deep", "name: low", ("-", "deep")),
    ],
)
def test_roles_are_told_by_their_fields(old: str, new: str, expected: tuple[str, ...]) -> None:
    found = changes(side_of(ANY), side_of(ANY, roles=ROLES_YAML.replace(old, new)))
    assert expected in [(one.sign, one.name, *one.words) for one in found]


def test_a_role_of_another_name_is_told_by_its_arn() -> None:
    found = changes(side_of(ANY), side_of(ANY, roles=ROLES_YAML.replace("name: deep", "name: low")))
    assert [(one.sign, one.name, one.words[:1]) for one in found] == [
        ("-", "deep", ()),
        ("+", "low", ("has the ARN that deep had",)),
    ]


def test_issuers_settings_and_quotas_are_told() -> None:
    issuers = ISSUERS_YAML.replace("audiences: [credvend], claims: {ref: ref}", "audiences: [credvend, more]")
    roles = f"time_zone: Europe/Berlin\nrole_path: /vended/\n{ROLES_YAML}".replace(":role/", ":role/vended/")
    old, new = side_of(ANY), side_of(ANY, roles=roles, issuers=issuers)
    told = {(one.kind, one.name): one.words for one in changes(old, new)}
    assert told["issuer", "github"] == ("`audiences`: + more", "`claims`: - ref")
    assert told["setting", "roles.yaml"] == ("`role_path`: /vended/", "`time_zone`: Europe/Berlin")
    assert told["role", "reader"] == (
        f"`arn`: arn:aws:iam::{HOME}:role/reader -> arn:aws:iam::{HOME}:role/vended/reader",
    )


def test_sessions_yaml_and_other_keys_of_an_issuer_are_told(tmp_path: Path) -> None:
    issuers = ISSUERS_YAML.replace("groups_claim: groups", "groups_claim: groups\n    jwks_file: keys/okta.json")
    sides = []
    for name, quota in (("old", "per_day: 5"), ("new", "per_day: 7")):
        config = configuration_directory(tmp_path / name, ANY, issuers)
        (config / "keys").mkdir()
        (config / "keys/okta.json").write_text(json.dumps(key_set(ec_key(name))))
        (config / "sessions.yaml").write_text(f"keep: {len(name) * 30}d\nquotas: [{{name: few, {quota}}}]\n")
        sides.append(read_side(str(config), config, "dev"))
    told = {(one.kind, one.name): one.words for one in changes(*sides)}
    assert told["quota", "few"] == ("`per_day`: 5 -> 7",)
    (keys,) = told["issuer", "okta"]
    assert keys.startswith("`keys`: ")
