"""The function's IAM policy, made from the catalog."""

from pathlib import Path
from typing import Final

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.signing.keys import NEXT, PREVIOUS
from ops.documents.json_object import json_text
from ops.stages.names import BLOCKS_TABLE, QUOTAS_TABLE, REVOCATIONS_TABLE, SESSIONS_TABLE, TABLE, USED_TABLE

# Below the directory that is packaged: Chalice looks for it there.
POLICY_FILE: Final = ".chalice/policy.json"
# The statement whose resources role_policies.py spreads.
ASSUME_SID: Final = "AssumeCatalogRoles"
# What the function's code calls is bound to the function: another function that has been given the role can use none
# of this, nor can whoever else has got into the role.
# https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
# The ARN is put together from the stack's name, which is the function's: a reference to it would make role and function
# wait for each other.
_FUNCTION: Final = {
    "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}"
}
_BY_THE_FUNCTION: Final = {"ArnEquals": {"lambda:SourceFunctionArn": _FUNCTION}}
# The doctor, which has the same role, asks of each role of the catalog what it would let the function do. It can use
# nothing else of all this.
_DOCTOR: Final = {"Fn::Sub": f"{_FUNCTION['Fn::Sub']}-doctor"}
_BY_THE_FUNCTION_OR_THE_DOCTOR: Final = {"ArnEquals": {"lambda:SourceFunctionArn": [_FUNCTION, _DOCTOR]}}
_OWN_LOG: Final = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/${AWS::StackName}"


def iam_policy(catalog: WrittenCatalog) -> dict[str, object]:
    """What the function may do: assume the catalog's roles, or sign the tokens that get them; find and use up tokens,
    write its own log and traces."""
    assume: dict[str, object] = {
        "Sid": ASSUME_SID,
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Resource": assumable(catalog),
        "Condition": _BY_THE_FUNCTION_OR_THE_DOCTOR,
    }
    # Lambda itself writes log and traces. AWS's page above lists, among what it calls for that, the two of the log and
    # xray:PutTraceSegments as naming the function, and not xray:PutTelemetryRecords. Neither statement is bound.
    write_log: dict[str, object] = {
        "Sid": "WriteOwnLog",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [{"Fn::Sub": f"{_OWN_LOG}:*"}, {"Fn::Sub": f"{_OWN_LOG}-doctor:*"}],
    }
    write_traces: dict[str, object] = {
        "Sid": "WriteTraces",
        "Effect": "Allow",
        "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        "Resource": "*",  # X-Ray knows no narrower resource for these two
    }
    table = {"Fn::GetAtt": [TABLE, "Arn"]}
    find_tokens: dict[str, object] = {
        "Sid": "FindApiTokens",
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem"],
        "Resource": table,
        "Condition": _BY_THE_FUNCTION,
    }
    # Nothing but when they were used: a function gone astray must not bring a revoked token back.
    note_use_of_tokens: dict[str, object] = {
        "Sid": "NoteUseOfApiTokens",
        "Effect": "Allow",
        "Action": ["dynamodb:UpdateItem"],
        "Resource": table,
        "Condition": {
            **_BY_THE_FUNCTION,
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["hash", "last_used"]},
            "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE"]},
        },
    }
    tables = [find_tokens, note_use_of_tokens, *_of_each_vend()]
    signs = any(role.by_web_identity for role in catalog.roles)
    # IAM takes no empty list of resources.
    statements = ([assume] if assume["Resource"] else []) + (_signing() if signs else [])
    statements += [*tables, write_log, write_traces]
    return {"Version": "2012-10-17", "Statement": statements}


def _of_each_vend() -> list[dict[str, object]]:
    """What vends are written to. TransactWriteItems has no action of its own: it takes those of its parts.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html

    By action, not by table, for the policy has little room. It can neither see nor forget which tokens were used, which
    revocations were asked for, and how much of a quota is taken; nor can it block and unblock anybody. That nothing is
    written over is the condition of each write.
    """

    def statement(sid: str, actions: list[str], *resources: object) -> dict[str, object]:
        resource = resources[0] if len(resources) == 1 else list(resources)
        named = [f"dynamodb:{action}" for action in actions]
        return {"Sid": sid, "Effect": "Allow", "Action": named, "Resource": resource, "Condition": _BY_THE_FUNCTION}

    sessions, used, blocks, quotas, revocations = (
        {"Fn::GetAtt": [table, "Arn"]}
        for table in (SESSIONS_TABLE, USED_TABLE, BLOCKS_TABLE, QUOTAS_TABLE, REVOCATIONS_TABLE)
    )
    index = {"Fn::Sub": f"${{{SESSIONS_TABLE}.Arn}}/index/by_caller"}
    return [
        statement("AskBlocks", ["ConditionCheckItem"], blocks),
        statement("ReadSessions", ["BatchGetItem", "ConditionCheckItem", "GetItem", "Query"], sessions, index),
        statement("WriteItems", ["PutItem"], used, sessions, revocations),
        statement("ChangeItems", ["UpdateItem"], sessions, quotas),
    ]


def _signing() -> list[dict[str, object]]:
    """Which key it is, its name in KMS says, and that is moved from one to the next without a deployment.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-request-alias
    """
    name = "alias/${AWS::StackName}-signing"
    names = [{"Fn::Sub": f"{name}{behind}"} for behind in ("", NEXT, PREVIOUS)]
    keys = {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"}

    def statement(sid: str, action: str, named: object) -> dict[str, object]:
        condition = {**_BY_THE_FUNCTION_OR_THE_DOCTOR, "StringEquals": {"kms:RequestAlias": named}}
        return {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": keys, "Condition": condition}

    return [statement("SignTokens", "kms:Sign", names[0]), statement("ReadPublicKeys", "kms:GetPublicKey", names)]


def assumable(catalog: WrittenCatalog) -> list[str]:
    """What `sts:AssumeRole` is granted on: each role; for those below the catalog's `role_path`, that, once an account.

    Not those that tokens are for: AssumeRoleWithWebIdentity asks for no rights of whoever brings the token.

    In resources, `*` stands for slashes, too:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    return sorted({granted(role.arn, catalog.role_path) for role in catalog.roles if not role.by_web_identity})


def granted(arn: str, role_path: str | None) -> str:
    """What stands in an IAM policy for a role: its ARN, or the catalog's path where it is below that."""
    account, _, name = arn.partition(":role")
    return f"{account}:role{role_path}*" if role_path is not None and name.startswith(role_path) else arn


def write_policy(root: Path, catalog: WrittenCatalog) -> None:
    """Write the function's IAM policy, `.chalice/policy.json` below `root`."""
    (root / POLICY_FILE).write_text(json_text(iam_policy(catalog)), encoding="utf-8")
