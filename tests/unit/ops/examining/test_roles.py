"""Each thing that a role lacks is said in words, with what to do, and with a statement where one helps."""

from dataclasses import replace
from typing import get_args

import pytest

from chalicelib.examining.questions import Part
from chalicelib.sessions.sts_failures import Cause
from ops.examining.asking import Answer
from ops.examining.finding import Finding
from ops.examining.roles import Surroundings, role_findings
from ops.examining.trust import KnownRole, known_roles
from ops.iam.statements import TRUSTED_ACTIONS, trust_statement, trust_statements
from tests.unit.ops.examining.fake_aws import ACCOUNT, ROLE, FakeAws

LACKS = (*get_args(Part), "assume_role", "together")
AROUND = Surroundings(ROLE, ACCOUNT)
GOOD = Answer("reader", f"arn:aws:iam::{ACCOUNT}:role/x/reader", None, 3600, True, {}, None, None)


def found(**lacks: str) -> list[Finding]:
    return list(role_findings(replace(GOOD, granted=False, lacks=lacks), AROUND))


def test_a_role_that_is_in_order_is_not_spoken_of() -> None:
    assert list(role_findings(GOOD, AROUND)) == []
    assert list(role_findings(replace(GOOD, external_id="x", demands_external_id=True), AROUND)) == []


@pytest.mark.parametrize(
    ("lacks", "actions"),
    [
        ({"tag_session": "no_tag_session"}, "sts:TagSession"),
        ({"set_source_identity": "no_set_source_identity"}, "sts:SetSourceIdentity"),
        (
            {"set_source_identity": "no_set_source_identity", "tag_session": "no_tag_session"},
            ["sts:SetSourceIdentity", "sts:TagSession"],
        ),
        ({"assume_role": "not_trusted"}, list(TRUSTED_ACTIONS)),
    ],
)
def test_what_a_statement_mends_has_that_statement_and_no_more(lacks: dict[str, str], actions: object) -> None:
    (finding,) = found(**lacks)
    (statement,) = finding.statements
    assert statement == {**trust_statement(ROLE), "Action": actions}


@pytest.mark.parametrize("part", LACKS)
@pytest.mark.parametrize("cause", ["explicit_deny", "own_policy", "region_disabled"])
def test_what_no_statement_mends_has_none(part: str, cause: str) -> None:
    for one in found(**{part: cause}):
        assert one.statements == () and one.do


@pytest.mark.parametrize("cause", get_args(Cause))
@pytest.mark.parametrize("lack", LACKS)
def test_whatever_sts_says_there_is_something_to_do(lack: str, cause: str) -> None:
    findings = found(**{lack: cause})
    assert findings and all(one.level == "problem" and one.what and one.do for one in findings)


def test_parts_of_several_kinds_are_told_each() -> None:
    findings = found(tag_session="no_tag_session", duration="max_session_duration", policy_arns="refused")
    assert len(findings) == 3
    assert any("aws iam update-role --role-name reader" in str(one.do) for one in findings)


def test_an_external_id_stands_with_assume_role_alone() -> None:
    assume, others = trust_statements(ROLE, "id")
    assert assume["Action"] == "sts:AssumeRole" and "sts:ExternalId" in str(assume["Condition"])
    assert others["Action"] == ["sts:SetSourceIdentity", "sts:TagSession"] and "ExternalId" not in str(others)
    (alone,) = trust_statements(ROLE, "id", ["sts:TagSession"])
    assert alone["Action"] == "sts:TagSession" and "ExternalId" not in str(alone)


def known(trust: object) -> KnownRole:
    aws = FakeAws()
    aws.answers["iam.get_account_authorization_details"] = lambda _: [
        {"Arn": GOOD.arn, "AssumeRolePolicyDocument": trust}
    ]
    return known_roles(aws)[GOOD.arn]


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ({"StringEquals": {"sts:ExternalId": "a"}}, {"a"}),
        ({"StringEquals": {"STS:externalid": ["a", "b"]}}, {"a", "b"}),
        ({"StringLike": {"sts:ExternalId": "a"}, "ArnEquals": {"aws:PrincipalArn": ROLE}}, {"a"}),
        ({"StringNotEquals": {"sts:ExternalId": "a"}}, set()),
        ({}, set()),
        (None, set()),
        ("odd", set()),
        ({"StringEquals": "odd"}, set()),
    ],
)
def test_external_ids_are_read_where_conditions_say_them_plainly(condition: object, ids: set[str]) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": condition}
    for statements in (statement, [statement], [statement, {"Effect": "Deny", "Condition": {}}]):
        assert known({"Statement": statements}).external_ids == ids


@pytest.mark.parametrize(
    "trust", [None, {}, {"Statement": None}, {"Statement": ["odd"]}, "%7B%22Statement%22%3A%5B%5D%7D"]
)
def test_odd_trust_policies_are_read_as_far_as_they_go(trust: object) -> None:
    assert known(trust).external_ids == frozenset()
