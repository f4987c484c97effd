"""The IAM policy of the revoker, the function that denies revoked sessions everything, made from the catalog."""

from pathlib import Path
from typing import Final

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.roles.role import Role
from ops.documents.json_object import json_text
from ops.iam.function_policy import granted
from ops.stages.names import QUOTAS_TABLE, REVOCATIONS_TABLE, SESSIONS_TABLE

# Below the directory that is packaged: .chalice/config.json names it.
REVOKER_POLICY_FILE: Final = ".chalice/revoker-policy.json"
# The statement whose resources role_policies.py spreads.
WRITE_SID: Final = "WriteRevocationPolicies"

_FUNCTION: Final = "${AWS::StackName}-revoker"
# As of the other function: ops/iam/function_policy.py.
_BY_THE_FUNCTION: Final = {
    "ArnEquals": {
        "lambda:SourceFunctionArn": {
            "Fn::Sub": f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{_FUNCTION}"
        }
    }
}
# As .chalice/template.json names the roles of the two functions.
_OWN_ROLES: Final = [
    {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{AWS::StackName}}{what}-${{AWS::Region}}"}
    for what in ("", "-revoker")
]


def revoker_policy(catalog: WrittenCatalog, operator_role: str | None) -> dict[str, object]:
    """What the revoker may do: change inline policies of the catalog's roles, and of those that these chain to; prove
    it; read what is to be revoked, and note how far it is; write its own log and traces.

    Args:
        operator_role: path and name of the role in each other account through which it works there, or None.
    """
    statements = [
        # Whatever a catalog names: what may change its own rights may do anything.
        _statement("NeverOwnRoles", ["iam:DeleteRolePolicy", "iam:PutRolePolicy", "sts:AssumeRole"], _OWN_ROLES)
        | {"Effect": "Deny"},
        *_on_roles(catalog, operator_role),
        *_on_tables(),
        # What Lambda itself asks for, to read the stream: not bound, as log and traces are not. The resources are those
        # of SAM's DynamoDBStreamReadPolicy:
        # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
        _statement(
            "ReadStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            {"Fn::Sub": f"${{{REVOCATIONS_TABLE}.Arn}}/stream/*"},
        ),
        # It knows no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
        _statement("ListStreams", ["dynamodb:ListStreams"], "*"),
        _statement(
            "WriteOwnLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            {
                "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
                f":log-group:/aws/lambda/{_FUNCTION}:*"
            },
        ),
        _statement("WriteTraces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def revocable(catalog: WrittenCatalog) -> list[str]:
    """The roles whose inline policies it may change. Those of other accounts it cannot; the operator role there may."""
    arns = {arn for role in catalog.roles for arn in (role.arn, *role.chains_to)}
    return sorted({granted(arn, catalog.role_path) for arn in arns})


def write_revoker_policy(root: Path, catalog: WrittenCatalog, operator_role: str | None) -> None:
    """Write the revoker's IAM policy, `.chalice/revoker-policy.json` below `root`."""
    (root / REVOKER_POLICY_FILE).write_text(json_text(revoker_policy(catalog, operator_role)), encoding="utf-8")


def _on_roles(catalog: WrittenCatalog, operator_role: str | None) -> list[dict[str, object]]:
    actions = ["iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:PutRolePolicy"]
    statements = [_bound(WRITE_SID, actions, revocable(catalog))] if catalog.roles else []
    probed = [role for role in catalog.roles if role.probe is not None]
    if probed:
        statements.append(_bound("ProbeRoles", ["sts:AssumeRole", "sts:TagSession"], _arns(probed)))
    if operator_role is not None:
        # Of any account, as there may be many: a role is only asked for where the catalog has one.
        operators = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::*:role/{operator_role}"}
        statements.append(_bound("AssumeOperators", ["sts:AssumeRole", "sts:SetSourceIdentity"], operators))
    return statements


def _on_tables() -> list[dict[str, object]]:
    """It reads what is to be revoked, and which sessions that ends.

    It changes of both only how far it is, and of quotas which sessions are live.
    """
    revocations, sessions, quotas = (
        {"Fn::GetAtt": [table, "Arn"]} for table in (REVOCATIONS_TABLE, SESSIONS_TABLE, QUOTAS_TABLE)
    )
    indexes = [{"Fn::Sub": f"${{{SESSIONS_TABLE}.Arn}}/index/{index}"} for index in ("by_caller", "by_role")]
    noted = ["folded", "id", "in_force", "problem", "requested", "role_arn", "state", "told", "widened", "written"]
    return [
        _bound("ReadRevocations", ["dynamodb:Query", "dynamodb:Scan"], revocations),
        _bound("FindSessions", ["dynamodb:Query"], indexes),
        _bound("ReadSessions", ["dynamodb:BatchGetItem", "dynamodb:GetItem"], sessions),
        _changing("TakeOutOfLive", quotas, ["id", "live"]),
        _changing("NoteRevocations", revocations, noted),
        _changing("NoteInLedger", sessions, ["id", "revoke_in_force", "revoke_problem", "revoke_written"]),
    ]


def _changing(sid: str, table: object, attributes: list[str]) -> dict[str, object]:
    condition = {
        **_BY_THE_FUNCTION,
        "ForAllValues:StringEquals": {"dynamodb:Attributes": attributes},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE"]},
    }
    return _statement(sid, ["dynamodb:UpdateItem"], table) | {"Condition": condition}


def _bound(sid: str, actions: list[str], resource: object) -> dict[str, object]:
    return _statement(sid, actions, resource) | {"Condition": _BY_THE_FUNCTION}


def _statement(sid: str, actions: list[str], resource: object) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _arns(roles: list[Role]) -> list[str]:
    return sorted(role.arn for role in roles)
