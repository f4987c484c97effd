"""Roles of more than an hour trust credvend's tokens: the provider once an account, and the token's subject."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ops.documents.json_object import Json
from ops.environments import ensure
from ops.linting.linters import template_findings
from ops.onboarding.cloudformation import cloudformation_template, template_text
from ops.onboarding.plan import Plan
from ops.onboarding.steps import Written, cloudformation_steps, terraform_steps
from ops.onboarding.terraform import terraform_module
from ops.onboarding.wanted import Wanted
from testing.made_roles import made_by_cloudformation, made_by_terraform, normal
from tests.unit.ops.onboarding.catalogs import AWAY, HOME, SERVICE, as_made, catalog, plan

HOST = "a1b2c3.execute-api.eu-west-1.amazonaws.com/api"
LONG = f"arn:aws:iam::{AWAY}:role/credvend/long"
ROLES = f"""
roles:
  - {{name: long, arn: "{LONG}", max_duration: 12h, min_duration: 60s, probe: "ec2:DescribeInstances"}}
  - {{name: bare, arn: "arn:aws:iam::{AWAY}:role/bare", max_duration: 2h, source_identity: false, tag_session: false}}
  - {{name: hour, arn: "arn:aws:iam::{AWAY}:role/hour"}}
  - {{name: home, arn: "arn:aws:iam::{HOME}:role/home"}}
"""
DEPLOYED = SERVICE.issued_by(f"https://{HOST}")


def planned(directory: Path, wanted: Wanted | None = None) -> Plan:
    return plan(catalog(directory, ROLES), wanted or Wanted(operator=False), service=DEPLOYED)


def trust_of(found: Plan, name: str) -> list[Json]:
    (role,) = [role for one in found.accounts for role in one.roles if role.name == name]
    return role.trust["Statement"]  # type: ignore[return-value]


def test_a_role_lets_in_a_token_that_is_for_it_and_sets_tags_and_source_identity(tmp_path: Path) -> None:
    token, revoker = trust_of(planned(tmp_path), "long")
    assert token == {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{AWAY}:oidc-provider/{HOST}"},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity", "sts:TagSession"],
        "Condition": {"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": LONG}},
    }
    # The revoker asks with its own role, as ever.
    assert revoker["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    (bare,) = trust_of(planned(tmp_path), "bare")
    assert bare["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert [role.max_session_seconds for role in planned(tmp_path).accounts[1].roles] == [43_200, 7_200, 3_600]


def test_a_role_that_moves_lets_in_credvends_role_for_a_while_as_well(tmp_path: Path) -> None:
    statements = trust_of(planned(tmp_path, Wanted(operator=False, keep_assume_role=True)), "bare")
    assert [one["Action"] for one in statements] == ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"]
    assert len(trust_of(planned(tmp_path, Wanted(keep_assume_role=True)), "hour")) == 1


def test_roles_with_leases_may_have_them(tmp_path: Path) -> None:
    roles = {role.name: role for role in planned(tmp_path).accounts[1].roles}
    assert roles["long"].inline["credvend-leases"]["Statement"] == [
        {"Effect": "Allow", "Action": "sts:GetScopedCredentials", "Resource": "*"}
    ]
    assert roles["hour"].inline == {}


def test_both_formats_make_what_is_planned(tmp_path: Path) -> None:
    for roles in planned(tmp_path, Wanted(tags=(("team", "data"),))).accounts:
        template = json.loads(template_text(cloudformation_template(roles, DEPLOYED)))
        module = json.loads(json.dumps(terraform_module(roles, DEPLOYED)))
        as_planned = [as_made(one) for one in roles.every]
        assert made_by_cloudformation(template, roles.account) == as_planned
        assert made_by_terraform(module, roles.account) == as_planned


def test_another_issuer_and_another_account_are_parameters(tmp_path: Path) -> None:
    _, roles = planned(tmp_path).accounts
    elsewhere = replace(DEPLOYED, issuer="https://other.example.com/x")
    _, wanted = plan(catalog(tmp_path, ROLES.replace(AWAY, "999988887777")), service=elsewhere).accounts
    template = json.loads(template_text(cloudformation_template(roles, DEPLOYED)))
    (trust,) = [
        one.trust
        for one in made_by_cloudformation(template, "999988887777", CredvendIssuer="other.example.com/x")
        if one.name == "bare"
    ]
    assert trust == normal(next(one.trust for one in wanted.roles if one.name == "bare"))
    module = terraform_module(roles, DEPLOYED)
    by_terraform = made_by_terraform(module, "999988887777", credvend_issuer="other.example.com/x")
    assert next(one.trust for one in by_terraform if one.name == "bare") == trust


def test_the_provider_is_made_once_an_account_and_before_the_roles_that_trust_it(tmp_path: Path) -> None:
    home, away = planned(tmp_path).accounts
    assert (home.makes_provider, away.makes_provider) == (False, True)
    resources = cloudformation_template(away, DEPLOYED)["Resources"]
    assert resources["CredvendProvider"] == {  # type: ignore[index]
        "Type": "AWS::IAM::OIDCProvider",
        "Properties": {"Url": {"Fn::Sub": "https://${CredvendIssuer}"}, "ClientIdList": ["sts.amazonaws.com"]},
    }
    after = {name: one.get("DependsOn") for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}  # type: ignore[attr-defined]
    assert after == {"RoleLong": ["CredvendProvider"], "RoleBare": ["CredvendProvider"], "RoleHour": None}
    module = terraform_module(away, DEPLOYED)
    assert module["resource"]["aws_iam_openid_connect_provider"] == {  # type: ignore[index]
        "credvend": {"url": "https://${var.credvend_issuer}", "client_id_list": ["sts.amazonaws.com"]}
    }
    assert "5.82" in str(module["terraform"]) and "5.82" not in str(terraform_module(home, DEPLOYED)["terraform"])


@pytest.mark.parametrize(
    ("wanted", "makes"),
    [
        (Wanted(roles=("long",)), False),
        (Wanted(roles=("long",), provider=True), True),
        (Wanted(accounts=(AWAY,)), True),
        (Wanted(accounts=(AWAY,), provider=False), False),
    ],
)
def test_some_roles_alone_leave_the_provider_to_whoever_has_made_it(
    tmp_path: Path, wanted: Wanted, makes: bool
) -> None:
    found = planned(tmp_path, wanted)
    assert found.accounts[-1].makes_provider is makes
    assert any("OpenID Connect provider of that issuer, which is not made" in note for note in found.notes) is not makes


def test_an_issuer_that_is_not_known_yet_is_asked_for_where_it_is_deployed(tmp_path: Path) -> None:
    found = plan(catalog(tmp_path, ROLES), Wanted(accounts=(AWAY,)))
    (roles,) = found.accounts
    template, module = cloudformation_template(roles, SERVICE), terraform_module(roles, SERVICE)
    assert "invalid" not in json.dumps([template, module])
    assert "Default" not in template["Parameters"]["CredvendIssuer"]  # type: ignore[index]
    assert "default" not in module["variable"]["credvend_issuer"]  # type: ignore[index]
    commands = [
        command
        for steps in (
            cloudformation_steps([Written(roles, template, "r.json", 1)], whole=True, stage="prod", region="eu-west-1"),
            terraform_steps([Written(roles, module, "r/r.tf.json", 1)]),
        )
        for step in steps
        for command in step.commands
    ]
    for told in (
        "--parameter-overrides CredvendIssuer=ISSUER",
        "--parameters ParameterKey=CredvendIssuer,ParameterValue=ISSUER",
        "-var credvend_issuer=ISSUER",
    ):
        assert any(told in command for command in commands)
    assert any("its stack calls it IssuerUrl" in note for note in found.notes)


def test_what_moves_a_role_is_said(tmp_path: Path) -> None:
    moves = "`max_duration: 12h` in roles.yaml; this command with --keep-assume-role"
    assert any(moves in note for note in planned(tmp_path).notes)
    assert not [note for note in planned(tmp_path, Wanted(accounts=(HOME,))).notes if "an hour" in note]


def test_the_linters_find_nothing_in_a_template(tmp_path: Path) -> None:
    ensure("lint")
    _, roles = planned(tmp_path).accounts
    file = tmp_path / "template.json"
    file.write_text(template_text(cloudformation_template(roles, DEPLOYED)))
    # The action is newer than what the linter knows.
    assert [(one.rule, one.subject) for one in template_findings(file)] == [("W3037", "PolicyOfRoleLong")]
