"""Puts what stage.yaml says into the CloudFormation template. Tags are no part of that: they go with the stack."""

import json
from typing import Final, assert_never, cast

from msgspec import UnsetType

from chalicelib.errors import ConfigError
from ops.documents.json_object import Json
from ops.iam.resource_policy import PolicyTooLong, resource_policy
from ops.stages.names import (
    API,
    DOCTOR,
    DOCTOR_LOG_GROUP,
    DOMAIN_OUTPUT,
    FUNCTION,
    FUNCTION_ROLE,
    LOG_GROUP,
    REVOKER,
    REVOKER_LOG_GROUP,
    REVOKER_ROLE,
    TABLES,
)
from ops.stages.stage_file import STAGE_FILE, Domain, StageFile, Throttle

# SAM makes the stage, and finds it by this name:
# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources-api.html
_API_STAGE: Final = f"{API}.Stage"

# One line of JSON. Nothing in it is free text of a caller's (query, body, user agent, the path as it was sent): there
# may be secrets in that, or what would be read as other fields.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
_ACCESS_LOG_FIELDS: Final = {
    "time": "requestTime",
    "requestId": "requestId",
    "extendedRequestId": "extendedRequestId",
    # Lambda's, the `request_id` of the audit log: the first of the three is the caller's to choose.
    "lambdaRequestId": "integration.requestId",
    "apiId": "apiId",
    "domainName": "domainName",
    "stage": "stage",
    "httpMethod": "httpMethod",
    "resourcePath": "resourcePath",
    "protocol": "protocol",
    "sourceIp": "identity.sourceIp",
    "userArn": "identity.userArn",
    "accountId": "identity.accountId",
    "status": "status",
    "responseLength": "responseLength",
    "responseLatency": "responseLatency",
    "integrationLatency": "integration.latency",
    "integrationStatus": "integration.status",
    "errorType": "error.responseType",
    "wafStatus": "waf.status",
}
ACCESS_LOG_FORMAT: Final = json.dumps({name: f"$context.{variable}" for name, variable in _ACCESS_LOG_FIELDS.items()})


def apply_stage_file(template: Json, stage: StageFile) -> None:
    """Change a template in place.

    Raises:
        ConfigError: what it says does not fit into AWS's limits.
    """
    resources = cast(dict[str, Json], template["Resources"])
    function = _properties(resources, FUNCTION)
    api = _properties(resources, API)
    if stage.memory is not None:
        function["MemorySize"] = stage.memory
    match stage.concurrency:
        case "none":
            # https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
            for name in (FUNCTION, REVOKER, DOCTOR):
                _properties(resources, name).pop("ReservedConcurrentExecutions", None)
        case int(reserved):
            function["ReservedConcurrentExecutions"] = reserved
        case UnsetType():
            pass
        case never:
            assert_never(never)
    if stage.throttle is not None:
        _throttle(cast(list[Json], api["MethodSettings"]), stage.throttle)
    if stage.access_log is not None:
        api["AccessLogSetting"] = {"DestinationArn": stage.access_log, "Format": ACCESS_LOG_FORMAT}
    if stage.kms.log_group is not None:
        for log_group in (LOG_GROUP, REVOKER_LOG_GROUP, DOCTOR_LOG_GROUP):
            _properties(resources, log_group)["KmsKeyId"] = stage.kms.log_group
    if stage.kms.tables is not None:
        _encrypt_tables(resources, stage.kms.tables)
    if stage.waf_acl is not None:
        resources["WebAcl"] = _web_acl(stage.waf_acl)
    if stage.domain is not None:
        _add_domain(template, stage.domain)
    _let_in(api, stage)


def bound_roles(template: Json, boundary: str | None) -> None:
    """Put a permissions boundary on each role that a template makes and that has none, in place."""
    if boundary is None:
        return
    for resource in cast(dict[str, Json], template["Resources"]).values():
        if resource["Type"] == "AWS::IAM::Role":
            cast(Json, resource.setdefault("Properties", {})).setdefault("PermissionsBoundary", boundary)


def _properties(resources: dict[str, Json], name: str) -> Json:
    return cast(Json, resources[name]["Properties"])


def _throttle(settings: list[Json], throttle: Throttle) -> None:
    """All routes together get what is asked for, and each of the cheap ones the share of it that it had."""
    (whole,) = (setting for setting in settings if setting["ResourcePath"] == "/*")
    for key, asked in (("ThrottlingRateLimit", throttle.rate), ("ThrottlingBurstLimit", throttle.burst)):
        shipped = cast(int, whole[key])
        for setting in settings:
            setting[key] = max(1, round(cast(int, setting[key]) * asked / shipped))


def _encrypt_tables(resources: dict[str, Json], key: str) -> None:
    """DynamoDB uses the key on behalf of whoever uses a table, so the functions' roles need it as well.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html; the actions are those
    that the CDK grants: https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_dynamodb.Table.html
    """
    encryption = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    for table in TABLES:
        _properties(resources, table)["SSESpecification"] = dict(encryption)
    use: Json = {
        "Sid": "UseKeyOfTables",
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": key,
        "Condition": {"StringEquals": {"kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}}},
    }
    for role in (FUNCTION_ROLE, REVOKER_ROLE):
        first = cast(list[Json], _properties(resources, role)["Policies"])[0]
        cast(list[Json], cast(Json, first["PolicyDocument"])["Statement"]).append(use)


def _web_acl(arn: str) -> Json:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-wafv2-webaclassociation.html
    stage = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{{API}}}/stages/${{Stage}}"
    return {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Properties": {"WebACLArn": arn, "ResourceArn": {"Fn::Sub": [stage, {"Stage": {"Ref": _API_STAGE}}]}},
    }


def _add_domain(template: Json, domain: Domain) -> None:
    resources = cast(dict[str, Json], template["Resources"])
    resources["CustomDomain"] = {
        "Type": "AWS::ApiGateway::DomainName",
        "Properties": {
            "DomainName": domain.name,
            "RegionalCertificateArn": domain.certificate,
            "EndpointConfiguration": {"Types": ["REGIONAL"]},
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
            "SecurityPolicy": "TLS_1_2",
        },
    }
    mapping: Json = {
        "DomainName": {"Ref": "CustomDomain"},
        "RestApiId": {"Ref": API},
        "Stage": {"Ref": _API_STAGE},
    }
    if domain.base_path is not None:
        mapping["BasePath"] = domain.base_path
    resources["CustomDomainMapping"] = {"Type": "AWS::ApiGateway::BasePathMapping", "Properties": mapping}
    cast(dict[str, Json], template["Outputs"]).update(
        {
            DOMAIN_OUTPUT: {
                "Description": "Where callers find it, once the name leads there.",
                "Value": "/".join(part for part in (f"https://{domain.name}", domain.base_path) if part),
            },
            "CustomDomainTarget": {
                "Description": "What the name must lead to: a CNAME, or an alias in Route 53.",
                "Value": {"Fn::GetAtt": ["CustomDomain", "RegionalDomainName"]},
            },
            "CustomDomainHostedZone": {
                "Description": "The hosted zone of the target, for an alias in Route 53.",
                "Value": {"Fn::GetAtt": ["CustomDomain", "RegionalHostedZoneId"]},
            },
        }
    )


def _let_in(api: Json, stage: StageFile) -> None:
    definition = cast(Json, api["DefinitionBody"])
    paths = cast(Json, definition["paths"])
    try:
        policy = resource_policy(paths, str(api["StageName"]), stage.accounts, stage.organization)
    except PolicyTooLong as error:
        raise ConfigError([f"{STAGE_FILE}: {error}"]) from None
    # Always, also where it lets in nobody: without one, whether an account that was taken out of stage.yaml keeps its
    # access would hang on what an import does with the policy that is there.
    # In the definition, whose digest is in the deployment's name: API Gateway serves a changed policy only once it is
    # deployed. https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html
    definition["x-amazon-apigateway-policy"] = policy
