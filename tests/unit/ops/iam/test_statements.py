"""What target roles trust."""

import json

from ops.environments import ROOT
from ops.iam.statements import (
    OPERATOR_ACTIONS,
    PROBE_ACTIONS,
    TRUSTED_ACTIONS,
    session_actions,
    trust_statement,
    trust_statements,
)

ROLE = "arn:aws-cn:iam::111122223333:role/credvend-prod-cn-north-1"


def test_only_whoever_has_the_external_id_assumes_a_role_that_has_one() -> None:
    assume, others = trust_statements(ROLE, "shared-id")
    assert assume["Action"] == "sts:AssumeRole"
    assert assume["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": ROLE},
        "StringEquals": {"sts:ExternalId": "shared-id"},
    }
    # AWS lists the key for AssumeRole alone: an Allow of the others on it might never apply.
    assert others["Action"] == ["sts:SetSourceIdentity", "sts:TagSession"]
    assert others["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ROLE}}
    principal = {"AWS": "arn:aws-cn:iam::111122223333:root"}
    assert assume["Principal"] == others["Principal"] == principal


def test_a_role_without_one_needs_one_statement() -> None:
    assert trust_statements(ROLE) == [trust_statement(ROLE)]
    assert "ExternalId" not in json.dumps(trust_statement(ROLE))


def test_credvends_role_has_no_path_so_that_its_sessions_name_it_whole() -> None:
    """sessions/sts_failures.py makes the role's ARN from that of its session."""
    template = json.loads((ROOT / ".chalice/template.json").read_text())
    assert template["Resources"]["ApiHandlerRole"]["Properties"].keys() == {"RoleName"}


def test_a_role_that_lets_in_plain_sessions_with_an_external_id_needs_one_statement() -> None:
    (only,) = trust_statements(ROLE, "shared-id", ("sts:AssumeRole",))
    assert only["Action"] == "sts:AssumeRole"


def test_sessions_need_no_action_that_they_do_not_use() -> None:
    assert session_actions(source_identity=True, tag_session=True) == TRUSTED_ACTIONS
    assert session_actions(source_identity=False, tag_session=True) == PROBE_ACTIONS
    assert session_actions(source_identity=True, tag_session=False) == OPERATOR_ACTIONS
    assert session_actions(source_identity=False, tag_session=False) == ("sts:AssumeRole",)
