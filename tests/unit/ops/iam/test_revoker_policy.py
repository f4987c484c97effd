"""The revoker's IAM policy: it changes inline policies of the catalog's roles, and hardly anything else."""

import json
from dataclasses import replace
from typing import cast

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.roles.role import Role
from ops.documents.json_object import Json
from ops.environments import ROOT
from ops.iam.function_policy import iam_policy
from ops.iam.revoker_policy import revoker_policy
from ops.stages.names import FUNCTION_ROLE, REVOKER_ROLE
from tests.unit.chalicelib.decisions.test_authorizer import role

FUNCTION = {
    "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-revoker"
}
CHAINED = "arn:aws:iam::999988887777:role/deep/chained"
PROBED = replace(role("probed"), probe="ec2:DescribeInstances")


def statements(*roles: Role, operator_role: str | None = "path/operator") -> dict[str, Json]:
    found = cast(list[Json], revoker_policy(WrittenCatalog((), roles), operator_role)["Statement"])
    return {str(statement["Sid"]): statement for statement in found}


def test_it_changes_inline_policies_of_the_catalog_s_roles_and_of_those_that_they_chain_to() -> None:
    write = statements(replace(role("a"), chains_to=(CHAINED,)), role("b"))["WriteRevocationPolicies"]
    arns = [f"arn:aws:iam::111122223333:role/{name}" for name in ("a", "b")]
    assert write["Resource"] == [*arns, CHAINED]
    actions = cast(list[str], write["Action"])
    assert set(actions) == {f"iam:{verb}RolePolicy" for verb in ("Put", "Delete", "Get")} | {"iam:ListRolePolicies"}


def test_it_assumes_roles_with_a_probe_and_operator_roles_alone() -> None:
    found = statements(role("a"), PROBED)
    allowed = {sid: one for sid, one in found.items() if one["Effect"] == "Allow"}
    assumed = {
        sid: one["Resource"] for sid, one in allowed.items() if "sts:AssumeRole" in cast(list[str], one["Action"])
    }
    assert assumed == {
        "ProbeRoles": [PROBED.arn],
        "AssumeOperators": {"Fn::Sub": "arn:${AWS::Partition}:iam::*:role/path/operator"},
    }
    assert not [sid for sid in statements(role("a"), operator_role=None) if sid in assumed]


def test_what_its_code_calls_is_bound_to_it_and_what_lambda_calls_is_not() -> None:
    found = statements(PROBED)
    bound = {
        sid
        for sid, one in found.items()
        if cast(Json, one.get("Condition", {})).get("ArnEquals") == {"lambda:SourceFunctionArn": FUNCTION}
    }
    assert found.keys() - bound == {"ListStreams", "NeverOwnRoles", "ReadStream", "WriteOwnLog", "WriteTraces"}
    template = json.loads((ROOT / ".chalice/template.json").read_text())
    name = template["Resources"]["Revoker"]["Properties"]["FunctionName"]
    assert name == {"Fn::Sub": "${AWS::StackName}-revoker"}


def test_it_notes_how_far_a_revocation_is_and_can_neither_ask_for_one_nor_change_what_was_asked() -> None:
    found = statements(PROBED)
    assert not {"dynamodb:PutItem", "dynamodb:DeleteItem"} & {
        action for one in found.values() for action in cast(list[str], one["Action"])
    }
    conditions = {sid: cast(dict[str, Json], found[sid]["Condition"]) for sid in ("NoteRevocations", "NoteInLedger")}
    named = {sid: one["ForAllValues:StringEquals"]["dynamodb:Attributes"] for sid, one in conditions.items()}
    asked = {"form", "request_id", "caller_tag", "source_identity", "issued_before", "until", "ttl", "chained", "by"}
    assert not asked & {*cast(list[str], named["NoteRevocations"])}
    assert named["NoteInLedger"] == ["id", "revoke_in_force", "revoke_problem", "revoke_written"]
    # Of quotas, it changes which sessions are live, and no count.
    quotas = cast(dict[str, Json], found["TakeOutOfLive"]["Condition"])
    assert quotas["ForAllValues:StringEquals"]["dynamodb:Attributes"] == ["id", "live"]


def test_it_changes_neither_its_own_role_nor_that_of_the_function_that_vends() -> None:
    """Though a catalog names them, or a path that they are below."""
    never = statements(PROBED)["NeverOwnRoles"]
    assert never["Effect"] == "Deny" and {"iam:DeleteRolePolicy", "iam:PutRolePolicy", "sts:AssumeRole"} == {
        *cast(list[str], never["Action"])
    }
    template = json.loads((ROOT / ".chalice/template.json").read_text())["Resources"]
    names = [template[role]["Properties"]["RoleName"]["Fn::Sub"] for role in (FUNCTION_ROLE, REVOKER_ROLE)]
    assert never["Resource"] == [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"} for name in names
    ]


def test_the_function_that_vends_has_no_rights_in_iam() -> None:
    vends = cast(list[Json], iam_policy(WrittenCatalog((), (PROBED,)))["Statement"])
    assert not [action for one in vends for action in cast(list[str], one["Action"]) if action.startswith("iam:")]


def test_no_action_is_a_wildcard_and_only_traces_and_names_of_streams_go_anywhere() -> None:
    found = statements(PROBED)
    assert not [action for one in found.values() for action in cast(list[str], one["Action"]) if "*" in action]
    assert [sid for sid, one in found.items() if one["Resource"] == "*"] == ["ListStreams", "WriteTraces"]


def test_an_empty_catalog_changes_nothing() -> None:
    assert "WriteRevocationPolicies" not in statements()
