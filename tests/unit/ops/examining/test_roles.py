"""Each thing that a role lacks is said in words, with what to do, and with a statement where one helps."""

import json
from dataclasses import replace
from typing import get_args

import pytest

from chalicelib.examining.questions import Part
from chalicelib.sessions.sts_failures import Cause
from ops.examining.asking import Answer
from ops.examining.finding import Finding
from ops.examining.roles import Surroundings, role_findings
from ops.examining.trust import KnownRole, known_roles
from ops.iam.statements import TRUSTED_ACTIONS, trust_statement, trust_statements, web_identity_statement
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


ISSUER = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/api"
TOKENS = Surroundings(ROLE, ACCOUNT, None, ISSUER)


def found_of_token(around: Surroundings = TOKENS, **lacks: str) -> list[Finding]:
    return list(role_findings(replace(GOOD, granted=False, lacks=lacks, by_web_identity=True), around))


@pytest.mark.parametrize("cause", get_args(Cause))
@pytest.mark.parametrize("lack", LACKS)
def test_whatever_sts_says_of_a_token_there_is_something_to_do(lack: str, cause: str) -> None:
    answer = replace(GOOD, granted=False, lacks={lack: cause}, by_web_identity=True)
    findings = list(role_findings(answer, TOKENS))
    assert findings and all(one.level == "problem" and one.what and one.do for one in findings)


def test_a_provider_that_is_missing_is_said_with_what_makes_it_and_the_statement_that_it_is_for() -> None:
    (finding,) = found_of_token(assume_role="no_provider")
    assert finding.what == f"account {ACCOUNT} has no OpenID Connect provider of {ISSUER}"
    assert f"create-open-id-connect-provider --url {ISSUER} --client-id-list sts.amazonaws.com" in finding.do[0]
    assert finding.statements == (web_identity_statement(GOOD.arn, ISSUER.removeprefix("https://")),)


def test_a_trust_policy_without_issuer_or_subject_is_said_with_the_whole_statement() -> None:
    (finding,) = found_of_token(assume_role="not_trusted")
    (statement,) = finding.statements
    provider = ISSUER.removeprefix("https://")
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"}
    assert statement["Condition"] == {
        "StringEquals": {f"{provider}:aud": "sts.amazonaws.com", f"{provider}:sub": GOOD.arn}
    }
    assert "there is no such role, or" in finding.what
    (gone,) = found_of_token(replace(TOKENS, known={}), assume_role="not_trusted")
    assert gone.what == "there is no such role"


def test_keys_and_audience_are_told_apart() -> None:
    (keys,) = found_of_token(assume_role="keys_not_reached")
    assert f"{ISSUER}/.well-known/jwks.json" in keys.what and "keys export" in str(keys.do)
    (audience,) = found_of_token(assume_role="token_refused")
    assert "add-client-id-to-open-id-connect-provider" in audience.do[0]


def test_actions_that_are_missing_stand_in_a_statement_about_the_token() -> None:
    (finding,) = found_of_token(tag_session="no_tag_session", set_source_identity="no_set_source_identity")
    (statement,) = finding.statements
    assert statement["Action"] == ["sts:SetSourceIdentity", "sts:TagSession"] and "Federated" in str(statement)


def test_the_maximum_is_the_roles_own() -> None:
    answer = replace(GOOD, granted=False, max_duration=43_200, lacks={"duration": "max_session_duration"})
    (finding,) = role_findings(answer, TOKENS)
    assert "--max-session-duration 43200" in finding.do[0]


def test_leases_are_a_matter_of_the_roles_permissions() -> None:
    (finding,) = found(lease="no_scoped_credentials")
    assert "Add to its permissions, not to its trust policy" in finding.do[0] and finding.statements == ()
    assert json.loads(finding.do[1])["Action"] == "sts:GetScopedCredentials"


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
