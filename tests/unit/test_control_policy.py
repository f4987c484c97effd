"""The control policy of docs/deploy.md: AWS would take it, and it denies what is as good as every role."""

import json
import re
from fnmatch import fnmatchcase
from typing import cast

import botocore.session
import pytest

from ops.environments import ROOT
from testing.documents import blocks

DEPLOY = ROOT / "docs/deploy.md"
# Actions that are no operation of the service, each with the page that lists it in the Service Authorization Reference,
# https://docs.aws.amazon.com/service-authorization/latest/reference/
NO_OPERATIONS = {
    "apigateway": {"DELETE", "PATCH", "POST", "PUT", "UpdateRestApiPolicy"},  # list_amazonapigatewaymanagement.html
    "iam": {"PassRole"},  # list_awsidentityandaccessmanagementiam.html
    "s3": {"ReplicateDelete", "ReplicateObject", "ReplicateTags"},  # list_amazons3.html
    "lambda": {"InvokeFunction", "InvokeFunctionUrl"},  # list_awslambda.html
    "dynamodb": {"PartiQLDelete", "PartiQLInsert", "PartiQLUpdate"},  # list_amazondynamodb.html
}
ACCOUNT = "111122223333"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:role/credvend-operator"
DEPLOYER, PERSON = f"arn:aws:iam::{ACCOUNT}:role/credvend-deployer", f"arn:aws:iam::{ACCOUNT}:role/PowerUser"
FUNCTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/credvend-prod-eu-west-1"
REVOKER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/credvend-prod-revoker-eu-west-1"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:credvend-prod"
TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/credvend-prod-tokens"
REVOCATIONS = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/credvend-prod-revocations"
LOG_GROUP = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/credvend-prod"
LOG_STREAM = f"{LOG_GROUP}:log-stream:x"
SAML, OPENID = f"arn:aws:iam::{ACCOUNT}:saml-provider/x", f"arn:aws:iam::{ACCOUNT}:oidc-provider/example.com"
Statement = dict[str, object]


def text() -> str:
    """The policy as it stands, white space included: AWS counts that unless the console saves it."""
    (policy,) = [block for block in blocks(DEPLOY, "json") if '"Deny"' in block]
    return policy


def statements() -> list[Statement]:
    return cast(list[Statement], json.loads(text())["Statement"])


def listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else cast(list[str], value)


def denied(principal: str, action: str, resource: str) -> bool:
    """As SCPs are evaluated; actions regardless of case."""
    for statement in statements():
        condition = cast(dict[str, dict[str, str]], statement.get("Condition", {}))
        assert set(condition) <= {"ArnNotLike"} and statement["Effect"] == "Deny"
        excepted = condition.get("ArnNotLike", {}).get("aws:PrincipalArn")
        if (
            any(fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(statement["Action"]))
            and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
            and not (excepted and fnmatchcase(principal, excepted))
        ):
            return True
    return False


def test_it_is_no_longer_than_a_control_policy_may_be() -> None:
    # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
    assert len(text()) <= 5_120


def test_it_has_only_what_control_policies_may_have() -> None:
    # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
    assert all(set(s) <= {"Sid", "Effect", "Action", "Resource", "Condition"} for s in statements())
    assert all(re.fullmatch("[A-Za-z0-9]+", str(s["Sid"])) for s in statements())


def test_every_action_of_it_exists() -> None:
    session = botocore.session.get_session()
    for action in {action for statement in statements() for action in listed(statement["Action"])}:
        service, name = action.split(":")
        known = {*session.get_service_model(service).operation_names, *NO_OPERATIONS.get(service, set())}
        assert any(fnmatchcase(operation, name) for operation in known), action


AS_GOOD_AS_EVERY_ROLE = [
    ("lambda:UpdateFunctionCode", FUNCTION),
    ("lambda:UpdateFunctionConfiguration", FUNCTION),
    ("lambda:AddPermission", FUNCTION),
    ("lambda:CreateFunctionUrlConfig", FUNCTION),
    ("lambda:CreateEventSourceMapping", "*"),
    ("lambda:DeleteEventSourceMapping", "*"),  # nothing would be revoked any more
    ("lambda:UpdateFunctionCode", f"{FUNCTION}-revoker"),
    ("lambda:UpdateFunctionCode", f"{FUNCTION}-doctor"),  # it has the function's role
    ("lambda:CreateFunctionUrlConfig", f"{FUNCTION}-doctor"),
    ("iam:PassRole", REVOKER_ROLE),
    ("iam:PutRolePolicy", REVOKER_ROLE),
    ("dynamodb:DeleteItem", REVOCATIONS),
    ("logs:DeleteLogGroup", f"{LOG_GROUP}-revoker"),
    ("apigateway:PATCH", "arn:aws:apigateway:eu-west-1::/restapis/x/resources/y/methods/POST"),
    ("apigateway:POST", "arn:aws:apigateway:eu-west-1::/restapis/x/resources/y/methods/POST"),
    ("iam:PassRole", FUNCTION_ROLE),
    ("iam:CreateRole", FUNCTION_ROLE),
    ("iam:UpdateAssumeRolePolicy", FUNCTION_ROLE),
    ("iam:PutRolePolicy", FUNCTION_ROLE),
    ("iam:AttachRolePolicy", FUNCTION_ROLE),
    ("iam:DeleteRolePermissionsBoundary", FUNCTION_ROLE),
    ("iam:UpdateAssumeRolePolicy", DEPLOYER),
    ("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/credvend-prod-roles-1"),
    ("cloudformation:ExecuteChangeSet", f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/credvend-prod/x"),
    ("cloudformation:DeleteStack", f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/credvend-prod/x"),
    ("s3:PutObject", f"arn:aws:s3:::credvend-artifacts-{ACCOUNT}-eu-west-1/credvend-prod/x"),
    ("s3:PutBucketPolicy", f"arn:aws:s3:::credvend-artifacts-{ACCOUNT}-eu-west-1"),
    ("s3:ReplicateObject", f"arn:aws:s3:::credvend-artifacts-{ACCOUNT}-eu-west-1/credvend-prod/x"),
    ("kms:PutKeyPolicy", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/x"),
    ("kms:RevokeGrant", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/x"),
    ("kms:DeleteImportedKeyMaterial", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/x"),
    ("iam:UpdateSAMLProvider", SAML),
    ("iam:CreateSAMLProvider", SAML),  # deleted, and made again with other metadata
    ("iam:AddClientIDToOpenIDConnectProvider", OPENID),
    ("iam:CreateOpenIDConnectProvider", OPENID),
    ("iam:UpdateOpenIDConnectProviderThumbprint", OPENID),
    ("dynamodb:PutItem", TABLE),
    ("dynamodb:PartiQLInsert", TABLE),
    ("dynamodb:DeleteTable", TABLE),
    ("logs:DeleteLogGroup", LOG_GROUP),
    ("logs:AssociateKmsKey", LOG_GROUP),
    ("logs:DisassociateKmsKey", LOG_GROUP),
    ("logs:PutDataProtectionPolicy", LOG_GROUP),
    ("logs:PutSubscriptionFilter", LOG_GROUP),
    ("logs:PutLogEvents", LOG_STREAM),
    ("logs:PutAccountPolicy", "*"),  # masks what every log group holds
]


@pytest.mark.parametrize(("action", "resource"), AS_GOOD_AS_EVERY_ROLE)
def test_what_is_as_good_as_every_role_is_for_the_deployer_alone(action: str, resource: str) -> None:
    assert denied(PERSON, action, resource)
    assert not denied(DEPLOYER, action, resource)


def invoked_by_operators() -> str:
    """What the policy of docs/operate.md lets an operator invoke."""
    policies = [json.loads(block) for block in blocks(ROOT / "docs/operate.md", "json")]
    (resource,) = [
        cast(str, one["Resource"])
        for policy in policies
        for one in policy["Statement"]
        if any(fnmatchcase("lambda:InvokeFunction", action) for action in listed(one["Action"]))
    ]
    return resource


def test_nobody_invokes_the_function_and_credvend_still_works() -> None:
    assert denied(DEPLOYER, "lambda:InvokeFunction", FUNCTION) and denied(PERSON, "lambda:InvokeFunction", FUNCTION)
    assert denied(PERSON, "lambda:InvokeFunction", f"{FUNCTION}:live")
    assert denied(PERSON, "lambda:InvokeFunction", f"{FUNCTION}-doctor")
    # Whom their own policy lets invoke the doctor alone.
    assert not denied(OPERATOR, "lambda:InvokeFunction", f"{FUNCTION}-doctor")
    assert "function:credvend-STAGE-doctor" in invoked_by_operators()
    assert denied(OPERATOR, "lambda:UpdateFunctionCode", f"{FUNCTION}-doctor")
    for action, resource in (
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("logs:CreateLogStream", LOG_STREAM),
        ("logs:PutLogEvents", LOG_STREAM),
        ("sts:AssumeRole", "arn:aws:iam::999988887777:role/target"),
    ):
        assert not denied(FUNCTION_ROLE, action, resource)
    for action, resource in (
        ("dynamodb:UpdateItem", REVOCATIONS),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/team/target"),
        ("sts:AssumeRole", "arn:aws:iam::999988887777:role/credvend/operator"),
    ):
        assert not denied(REVOKER_ROLE, action, resource)
    assert not denied(PERSON, "execute-api:Invoke", f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:x/api/POST/v1/iam/*")
    assert not denied(PERSON, "logs:FilterLogEvents", LOG_STREAM)
