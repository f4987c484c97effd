"""The files make the roles that are planned: all of them, and the same in both formats, in whatever account."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ops.documents.json_object import Json
from ops.environments import ensure
from ops.errors import OperationFailed
from ops.iam.statements import trust_statements
from ops.linting.linters import template_findings
from ops.onboarding.cloudformation import (
    BODY_BYTES,
    cloudformation_template,
    logical_id,
    template_text,
)
from ops.onboarding.descriptions import description_for_iam
from ops.onboarding.iam_role import AccountRoles, IamRole
from ops.onboarding.terraform import label, terraform_module
from ops.onboarding.wanted import ManagedPolicy, Wanted
from testing.made_roles import MadeRole, made_by_cloudformation, made_by_terraform, normal
from tests.unit.ops.onboarding.catalogs import AWAY, FAR, HOME, SERVICE, as_made, catalog, plan

EVERYTHING = Wanted(
    managed=(
        ManagedPolicy("arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ManagedPolicy("team/rights"),
        ManagedPolicy(f"arn:aws:iam::{AWAY}:policy/deploys", "deploy"),
    ),
    boundary=ManagedPolicy("team/boundary"),
    operator_boundary=ManagedPolicy("operators"),
    tags=(("team", "data"), ("cost centre", "4 = 2 + 2")),
)


def made(roles: AccountRoles) -> tuple[list[MadeRole], list[MadeRole]]:
    """By both formats, as their files are read."""
    template = json.loads(template_text(cloudformation_template(roles, SERVICE)))
    module = json.loads(json.dumps(terraform_module(roles, SERVICE)))
    return made_by_cloudformation(template, roles.account), made_by_terraform(module, roles.account)


def test_both_formats_make_what_is_planned(tmp_path: Path) -> None:
    accounts = plan(catalog(tmp_path), EVERYTHING).accounts
    assert [one.account for one in accounts] == [HOME, AWAY] and accounts[1].operator is not None
    for roles in accounts:
        planned = [as_made(one) for one in roles.every]
        by_cloudformation, by_terraform = made(roles)
        assert by_cloudformation == planned
        assert by_terraform == planned


@pytest.mark.parametrize(("source_identity", "tag_session", "external_id"), list(product([True, False], repeat=3)))
def test_the_trust_policy_in_each_file_is_what_is_printed_for_target_roles(
    tmp_path: Path, source_identity: bool, tag_session: bool, external_id: bool
) -> None:
    entry = {
        "name": "a",
        "arn": f"arn:aws:iam::{AWAY}:role/a",
        "source_identity": source_identity,
        "tag_session": tag_session,
        **({"external_id": "shared-id"} if external_id else {}),
    }
    (roles,) = plan(catalog(tmp_path, json.dumps({"roles": [entry]}))).accounts
    actions = [
        "sts:AssumeRole",
        *(["sts:SetSourceIdentity"] if source_identity else []),
        *(["sts:TagSession"] if tag_session else []),
    ]
    statements = trust_statements(SERVICE.function_role_arn, "shared-id" if external_id else None, actions)
    for by_format in made(roles):
        assert by_format[0].trust == normal({"Version": "2012-10-17", "Statement": statements})


def test_a_file_is_the_same_for_every_account_that_has_the_same_roles(tmp_path: Path) -> None:
    text = """
roles:
  - {{name: a, arn: "arn:aws:iam::{0}:role/a", probe: "ec2:DescribeInstances", chains_to: ["arn:aws:iam::{0}:role/b"]}}
  - {{name: b, arn: "arn:aws:iam::{0}:role/b"}}
"""
    wanted = Wanted(managed=(ManagedPolicy("rights"),), boundary=ManagedPolicy("boundary"))
    (one,), (other,) = (plan(catalog(tmp_path, text.format(account)), wanted).accounts for account in (AWAY, FAR))
    assert cloudformation_template(one, SERVICE) == cloudformation_template(other, SERVICE)
    assert terraform_module(one, SERVICE) == terraform_module(other, SERVICE)
    assert made(one)[0] != made(other)[0]


def test_parameters_lead_to_another_stage_and_another_partition(tmp_path: Path) -> None:
    accounts = plan(catalog(tmp_path)).accounts
    template, module = cloudformation_template(accounts[1], SERVICE), terraform_module(accounts[1], SERVICE)
    elsewhere = made_by_cloudformation(
        template,
        FAR,
        "aws-us-gov",
        CredvendAccount="999988887777",
        CredvendFunctionRole="credvend-dev-us-gov-west-1",
        CredvendRevokerRole="credvend-dev-revoker-us-gov-west-1",
    )
    assert elsewhere == made_by_terraform(
        module,
        FAR,
        "aws-us-gov",
        credvend_account="999988887777",
        credvend_function_role="credvend-dev-us-gov-west-1",
        credvend_revoker_role="credvend-dev-revoker-us-gov-west-1",
    )
    text = json.dumps([one.trust for one in elsewhere])
    assert "arn:aws-us-gov:iam::999988887777:role/credvend-dev-revoker-us-gov-west-1" in text
    assert HOME not in text and "prod" not in text


def test_what_nothing_refers_to_is_no_parameter(tmp_path: Path) -> None:
    roles = plan(catalog(tmp_path), Wanted(roles=("home",))).accounts[0]
    assert set(cloudformation_template(roles, SERVICE)["Parameters"]) == {"CredvendAccount", "CredvendFunctionRole"}  # type: ignore[call-overload]
    module = terraform_module(roles, SERVICE)
    assert set(module["variable"]) == {"credvend_account", "credvend_function_role"}  # type: ignore[call-overload]
    assert "aws_caller_identity" not in module["data"]  # type: ignore[operator]


def bare(name: str, description: str = "") -> AccountRoles:
    trust: Json = {"Version": "2012-10-17", "Statement": trust_statements(SERVICE.function_role_arn)}
    role = IamRole(f"arn:aws:iam::{AWAY}:role/{name}", description, trust, {}, (), None, (), 3600)
    return AccountRoles((role,), None)


@given(st.text(st.characters(max_codepoint=0xFF), max_size=256) | st.text("${}%\\\"'!\n", max_size=40))
@example("${AWS::AccountId} ${var.x} %{ if true } $${x} {{resolve:secretsmanager:x}} {{{ \\\" '")
def test_whatever_a_description_holds_stands_in_it_as_it_is(text: str) -> None:
    taken = description_for_iam(text)
    if taken is None:
        return
    by_cloudformation, by_terraform = made(bare("a", taken))
    assert by_terraform[0].description == taken
    # Two braces begin what CloudFormation looks up: they are kept apart.
    assert by_cloudformation[0].description.replace(" ", "") == taken.replace(" ", "")


def test_descriptions_are_in_letters_that_iam_takes() -> None:
    assert description_for_iam("“Reads” – it’s all…") == '"Reads" - it\'s all...'
    assert description_for_iam("Größe, café") == "Größe, café"
    assert description_for_iam("읽기 전용") is None


NAMES = st.from_regex(r"[A-Za-z0-9_+=,.@-]{1,64}", fullmatch=True)


@given(st.sets(NAMES, max_size=20))
@example({"a-b", "aB", "a_b", "AB", "ab", "a.b", "A-B", "-", "_", "--", "1", "0-1", "a-1", "a1"})
def test_no_two_roles_are_called_alike_in_a_file(names: set[str]) -> None:
    assert len({logical_id(name) for name in names}) == len({label(name) for name in names}) == len(names)
    assert all(logical_id(name).isalnum() and logical_id(name).isascii() for name in names)
    assert all(len(logical_id(name)) <= 255 for name in names)


def test_the_policies_of_one_role_are_not_taken_for_another_role(tmp_path: Path) -> None:
    text = f"""
roles:
  - {{name: a, arn: "arn:aws:iam::{AWAY}:role/a", chains_to: ["arn:aws:iam::{FAR}:role/b"]}}
  - {{name: b, arn: "arn:aws:iam::{AWAY}:role/a-policy"}}
  - {{name: c, arn: "arn:aws:iam::{AWAY}:role/a_trust"}}
  - {{name: d, arn: "arn:aws:iam::{AWAY}:role/a_credvend-chains"}}
"""
    (roles,) = plan(catalog(tmp_path, text)).accounts
    planned = [as_made(one) for one in roles.every]
    assert len(planned) == 5 and made(roles) == (planned, planned)


def test_what_a_role_is_called_there_is_told_by_its_name() -> None:
    assert (logical_id("read-only"), label("read-only")) == ("RoleReadOnly", "read-only")
    assert logical_id("ReadOnly").startswith("RoleReadOnly") and label("1.2").startswith("role_1_2_")


def test_the_linters_find_nothing_in_a_template(tmp_path: Path) -> None:
    ensure("lint")
    (roles,) = plan(catalog(tmp_path), replace(EVERYTHING, accounts=(AWAY,))).accounts
    file = tmp_path / "template.json"
    file.write_text(template_text(cloudformation_template(roles, SERVICE)))
    assert [(one.rule, one.subject, one.message) for one in template_findings(file)] == []


def accounts_with(tmp_path: Path, count: int) -> AccountRoles:
    roles = "".join(f'  - {{name: r{n}, arn: "arn:aws:iam::{AWAY}:role/credvend/r{n}"}}\n' for n in range(count))
    (found,) = plan(catalog(tmp_path, f"role_path: /credvend/\nroles:\n{roles}")).accounts
    return found


def test_a_template_is_written_for_people_while_it_then_can_be_sent_as_it_is(tmp_path: Path) -> None:
    few = template_text(cloudformation_template(accounts_with(tmp_path, 20), SERVICE))
    assert "\n  " in few and len(few.encode()) <= BODY_BYTES
    more = template_text(cloudformation_template(accounts_with(tmp_path, 60), SERVICE))
    assert more.count("\n") == 1 and len(more.encode()) <= BODY_BYTES


def test_more_roles_than_a_template_holds_are_refused(tmp_path: Path) -> None:
    assert len(template_text(cloudformation_template(accounts_with(tmp_path, 498), SERVICE))) > BODY_BYTES
    with pytest.raises(OperationFailed, match="has 501 roles, whose template would have 502 resources"):
        cloudformation_template(accounts_with(tmp_path, 500), SERVICE)
    assert len(terraform_module(accounts_with(tmp_path, 500), SERVICE)["resource"]["aws_iam_role"]) == 501  # type: ignore[index]
