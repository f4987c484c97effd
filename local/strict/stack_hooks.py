"""What CloudFormation makes without a request to the other services: their rules hold for it all the same."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, cast

from ministack.services import cloudwatch_logs, dynamodb, iam, lambda_svc
from ministack.services.cloudformation import provisioners

from local.strict.function_rules import check_environment, check_runtime
from local.strict.iam_hooks import (
    check_managed_properties,
    check_policy_properties,
    check_role_properties,
    keep_principals,
)
from local.strict.kms_hooks import alias_exists, check_alias_properties, check_key_properties
from local.strict.propagation_hooks import note_changes
from local.strict.refusal import Refusal

Properties = Mapping[str, object]
# Judges the properties of a resource; with the physical id of one that is changed.
Judge = Callable[[Properties, str | None], Refusal | None]


def judge_stacks() -> None:
    """Put the rules below before ministack's own making and changing of resources, which change sets run as well."""
    for kind, (service, judge) in _JUDGES.items():
        for step in ("create", "update"):
            _put_before(kind, step, partial(_refuse, service, judge))
    for kind, exists in _EXISTS.items():
        _put_before(kind, "create", partial(_refuse_taking_over, kind, exists))
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        handlers = provisioners._RESOURCE_HANDLERS[kind]
        for step in ("create", "update"):
            handlers[step] = _watching(kind, handlers[step])
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    for step in ("create", "update"):
        handlers[step] = _ending(step, handlers[step])


def _check_function(properties: Properties, _made: str | None) -> Refusal | None:
    return (
        check_environment(properties.get("Environment"))
        or check_runtime(properties.get("Runtime"))
        or _check_unpacked(properties)
    )


def _check_unpacked(properties: Properties) -> Refusal | None:
    """250 MB with layers: ministack's own check, which it does not make of what CloudFormation makes."""
    code = cast(Mapping[str, str], properties.get("Code") or {})
    if "S3Key" not in code:
        return None
    packed = lambda_svc._fetch_code_from_s3(code["S3Bucket"], code["S3Key"], version_id=code.get("S3ObjectVersion"))
    error = lambda_svc._validate_total_unzipped_size(packed, properties.get("Layers"))
    return None if error is None else Refusal("InvalidParameterValueException", json.loads(error[2])["message"])


# Who judges each kind of resource, and the service whose rules those are.
_JUDGES: Final[Mapping[str, tuple[str, Judge]]] = {
    "AWS::IAM::Role": ("Iam", check_role_properties),
    "AWS::IAM::ManagedPolicy": ("Iam", check_managed_properties),
    "AWS::IAM::Policy": ("Iam", check_policy_properties),
    "AWS::KMS::Alias": ("Kms", check_alias_properties),
    "AWS::KMS::Key": ("Kms", check_key_properties),
    "AWS::Lambda::Function": ("Lambda", _check_function),
}
# For each kind that a template may name, whether there is one of the name that its properties say. CloudFormation makes
# nothing that is there already:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
_EXISTS: Final[Mapping[str, Callable[[Properties], bool]]] = {
    "AWS::IAM::Role": lambda made: made.get("RoleName") in iam._roles,
    "AWS::IAM::ManagedPolicy": lambda made: (
        made.get("ManagedPolicyName") in {policy["PolicyName"] for policy in iam._policies.values()}
    ),
    "AWS::KMS::Alias": alias_exists,
    "AWS::Lambda::Function": lambda made: made.get("FunctionName") in lambda_svc._functions,
    "AWS::Logs::LogGroup": lambda made: made.get("LogGroupName") in cloudwatch_logs._log_groups,
    "AWS::DynamoDB::Table": lambda made: made.get("TableName") in dynamodb._tables,
}


def _put_before(kind: str, step: str, check: Callable[[Properties, str | None], None]) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    make = handlers[step]

    def checked(*arguments: object) -> object:
        # create: logical id, properties, stack; update: physical id, old and new properties, stack, logical id.
        if step == "create":
            check(cast(Properties, arguments[1]), None)
        else:
            check(cast(Properties, arguments[2]), str(arguments[0]))
        return make(*arguments)

    handlers[step] = checked


def _refuse(service: str, judge: Judge, properties: Properties, made: str | None) -> None:
    refusal = judge(properties, made)
    if refusal is not None:
        raise ValueError(f"{refusal.message} (Service: {service}, Error Code: {refusal.code})")


def _refuse_taking_over(
    kind: str, exists: Callable[[Properties], bool], properties: Properties, _made: str | None
) -> None:
    if exists(properties):
        raise ValueError(f"Resource of type '{kind}' already exists outside of this stack. (AlreadyExists)")


def _watching(kind: str, make: Callable[..., object]) -> Callable[..., object]:
    """Keep the principals of a role that is made or changed, and note the change, as of one that a request makes."""

    def make_and_note(*arguments: object) -> object:
        made = make(*arguments)
        if kind == "AWS::IAM::Role":
            keep_principals(iam._roles.get(made[0] if isinstance(made, tuple) else made))
        note_changes()
        return made

    return make_and_note


def _ending(step: str, make: Callable[..., object]) -> Callable[..., object]:
    """Have the items of a table end as its properties say, which ministack's own making of tables does not look at."""

    def make_and_set(*arguments: object) -> object:
        made = make(*arguments)
        properties = cast(Properties, arguments[1 if step == "create" else 2])
        told = cast(Mapping[str, object], properties.get("TimeToLiveSpecification") or {})
        name = made[0] if isinstance(made, tuple) else made
        if name in dynamodb._tables and told.get("AttributeName"):
            status = "ENABLED" if str(told.get("Enabled")).lower() == "true" else "DISABLED"
            dynamodb._ttl_settings[name] = {"TimeToLiveStatus": status, "AttributeName": told["AttributeName"]}
        return made

    return make_and_set
