"""What an adopter's own CloudFormation may not do, with what to do instead."""

import re
from collections.abc import Iterator
from typing import Final, cast

from ops.documents.json_object import Json
from ops.stages.names import (
    API,
    DOCTOR,
    DOCTOR_LOG_GROUP,
    FUNCTION,
    FUNCTION_ROLE,
    LOG_GROUP,
    REVOKER,
    REVOKER_LOG_GROUP,
    REVOKER_ROLE,
    SIGNING_KEY,
    TABLES,
)

SECTIONS: Final = ("Conditions", "Mappings", "Metadata", "Outputs", "Resources")
_VERSION: Final = "AWSTemplateFormatVersion"
_REFUSED_SECTIONS: Final = {
    "Parameters": "nothing gives them values: write the values where they are used, or in Mappings",
    "Transform": "a macro may change all of the template: write out what it would make",
    "Globals": "they would change credvend's own function and API: write the properties to your own resources",
    "Rules": "they are about parameters, of which there are none",
    "Hooks": "credvend's function is not deployed by CodeDeploy",
    "Description": "the stack has one: say it in a comment",
}
# What may be added to credvend's own resources; the rest is what credvend is.
_MAY_BE_SET: Final = {
    API: ("Tags",),
    FUNCTION: ("Tags",),
    FUNCTION_ROLE: ("Tags",),
    REVOKER: ("Tags",),
    DOCTOR: ("Tags",),
    REVOKER_ROLE: ("Tags",),
    **dict.fromkeys(
        (LOG_GROUP, REVOKER_LOG_GROUP, DOCTOR_LOG_GROUP), ("FieldIndexPolicies", "RetentionInDays", "Tags")
    ),
    **dict.fromkeys(TABLES, ("ContributorInsightsSpecification", "Tags")),
}
_IN_STAGE_FILE: Final = {
    (API, "AccessLogSetting"): "access_log",
    (API, "DefinitionBody"): "accounts` or `organization",
    (API, "Domain"): "domain",
    (API, "MethodSettings"): "throttle",
    (FUNCTION, "MemorySize"): "memory",
    (FUNCTION, "ReservedConcurrentExecutions"): "concurrency",
    (FUNCTION, "Runtime"): "runtime",
    (REVOKER, "Runtime"): "runtime",
    (DOCTOR, "Runtime"): "runtime",
    (DOCTOR_LOG_GROUP, "KmsKeyId"): "kms.log_group",
    (REVOKER_ROLE, "PermissionsBoundary"): "permissions_boundary",
    (REVOKER_LOG_GROUP, "KmsKeyId"): "kms.log_group",
    (FUNCTION_ROLE, "PermissionsBoundary"): "permissions_boundary",
    (LOG_GROUP, "KmsKeyId"): "kms.log_group",
    **{(table, "SSESpecification"): "kms.tables" for table in TABLES},
}
# SAM makes resources whose names begin with these.
_RESERVED: Final = (API, FUNCTION, FUNCTION_ROLE, REVOKER, DOCTOR)
# What may refer to the function: it watches. Whatever else does could invoke it.
_WATCHES: Final = re.compile(r"AWS::(CloudWatch|ApplicationInsights)::\w+|AWS::SSM::Parameter")
# What may refer to the role: it says the name on. Whatever else does could use the role; a canary of CloudWatch
# Synthetics, for one, runs its own code with the role that it names:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-synthetics-canary.html
_TELLS: Final = re.compile(r"AWS::SSM::Parameter")
# What would open another way to the function, to its role or into the API, by the property that names which. It must
# name something of this file: a name that is written out could be one of credvend's.
_ATTACHED: Final = {
    "AWS::Lambda::Alias": "FunctionName",
    "AWS::Lambda::EventInvokeConfig": "FunctionName",
    "AWS::Lambda::EventSourceMapping": "FunctionName",
    "AWS::Lambda::Permission": "FunctionName",
    "AWS::Lambda::Url": "TargetFunctionArn",
    "AWS::Lambda::Version": "FunctionName",
    "AWS::IAM::ManagedPolicy": "Roles",
    "AWS::IAM::Policy": "Roles",
    "AWS::IAM::RolePolicy": "RoleName",
    "AWS::IAM::InstanceProfile": "Roles",
    "AWS::ApiGateway::Authorizer": "RestApiId",
    "AWS::ApiGateway::Deployment": "RestApiId",
    "AWS::ApiGateway::GatewayResponse": "RestApiId",
    "AWS::ApiGateway::Method": "RestApiId",
    "AWS::ApiGateway::Resource": "RestApiId",
    "AWS::ApiGateway::Stage": "RestApiId",
}
# Names in KMS by which credvend knows its keys: whatever had one would be published, or would sign.
_SIGNING_NAME: Final = re.compile(r"-signing(-next|-previous)?\Z")
_SAM: Final = "AWS::Serverless::"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-product-attribute-reference.html
# SAM's `Connectors`, which grants one resource the use of another, is not among them.
_ATTRIBUTES: Final = frozenset(
    {
        *("Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata"),
        *("Properties", "Type", "UpdatePolicy", "UpdateReplacePolicy"),
    }
)
_LOGICAL_ID: Final = re.compile(r"[A-Za-z0-9]{1,255}")
_SUBSTITUTED: Final = re.compile(r"\$\{([A-Za-z0-9:]+)(?:\.[A-Za-z0-9.]+)?\}")


def problems(template: Json, content: Json) -> Iterator[str]:
    """A line for each thing that the content of an overlay would change of a template.

    Args:
        template: as it is without the overlay.
    """
    for key in content:
        if key in _REFUSED_SECTIONS:
            yield f"no {key} here: {_REFUSED_SECTIONS[key]}"
        elif key not in (*SECTIONS, _VERSION):
            yield f"unknown section {key!r}; there are {', '.join(SECTIONS)}"
    sections = {key: content[key] for key in SECTIONS if key in content}
    wrong = [key for key, value in sections.items() if not isinstance(value, dict)]
    if wrong:
        yield from (f"{key} must hold names and what they stand for" for key in wrong)
        return
    if any(key in ("Fn::Transform", "Fn::ForEach") or key.startswith("Fn::ForEach::") for key in _keys(sections)):
        yield "no Fn::Transform and no Fn::ForEach here: write out what they would make"
    for section in ("Conditions", "Mappings", "Metadata", "Outputs"):
        taken = cast(Json, sections.get(section, {})).keys() & cast(Json, template.get(section, {})).keys()
        yield from (f"{section}.{name} is credvend's own: choose another name" for name in sorted(taken))
    resources = cast(dict[str, Json], template["Resources"])
    for name, resource in cast(Json, sections.get("Resources", {})).items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Properties", {}), dict):
            yield f"Resources.{name} must have a Type and Properties"
        elif name in resources:
            yield from (f"Resources.{name}{problem}" for problem in _own_problems(name, resource, resources[name]))
        else:
            added = cast(Json, sections["Resources"]).keys() - resources.keys()
            yield from (f"Resources.{name}{problem}" for problem in _added_problems(name, resource, added))


def _own_problems(name: str, change: Json, own: Json) -> Iterator[str]:
    """What is wrong with what is said of a resource of credvend's own."""
    for attribute, value in change.items():
        if attribute == "Type" and value == own["Type"]:
            continue
        if attribute == "Metadata" and isinstance(value, dict):
            yield from (f".Metadata.{key} is credvend's own" for key in value.keys() & _part(own, "Metadata").keys())
        elif attribute != "Properties":
            yield f".{attribute} is credvend's own and stays as it is: leave it out"
    for key, value in _part(change, "Properties").items():
        if key not in _MAY_BE_SET.get(name, ()):
            yield f".Properties.{key} is credvend's own: {_instead(name, key)}"
        elif key == "RetentionInDays":
            kept = cast(int, _part(own, "Properties")[key])
            if not isinstance(value, int) or isinstance(value, bool) or value < kept:
                yield f".Properties.{key} must be a number of days, {kept} or more: the stage keeps its records so long"
        elif key == "Tags":
            is_sams = str(own["Type"]).startswith(_SAM)
            yield from _tag_problems(value, _part(own, "Properties").get(key), is_sams)
        elif key in _part(own, "Properties"):
            yield f".Properties.{key} is credvend's own: leave it out"


def _tag_problems(value: object, own: object, is_sams: bool) -> Iterator[str]:
    if not isinstance(value, dict if is_sams else list):
        form = "a mapping" if is_sams else "a list of Key and Value"
        yield f".Properties.Tags must be {form}; or set `tags` in stage.yaml, for all of the stack"
    elif isinstance(value, dict) and isinstance(own, dict):
        yield from (f".Properties.Tags.{key} is credvend's own: leave it out" for key in value.keys() & own.keys())


def _instead(name: str, key: str) -> str:
    setting = _IN_STAGE_FILE.get((name, key))
    if setting is not None:
        return f"set `{setting}` in stage.yaml"
    if name in (FUNCTION_ROLE, REVOKER_ROLE):
        return "the function's rights are made from roles.yaml"
    allowed = ", ".join(_MAY_BE_SET.get(name, ())) or "nothing"
    return f"leave it out. Of this resource, {allowed} may be set here; stage.yaml has other settings"


def _added_problems(name: str, resource: Json, added: set[str]) -> Iterator[str]:
    """What is wrong with a resource that is added.

    Args:
        added: names of all that are.
    """
    kind = resource.get("Type")
    if not isinstance(kind, str):
        yield " must have a Type"
        return
    if kind.startswith(_SAM):
        yield f" ({kind}) is not taken: SAM may change credvend's function and API for it. Write what it would make"
    yield from (f".{key} is no attribute of a resource" for key in resource.keys() - _ATTRIBUTES)
    if _LOGICAL_ID.fullmatch(name) is None:
        yield " must have a name of letters and digits"
    if name.startswith(_RESERVED):
        yield f" begins as credvend's own do ({', '.join(_RESERVED)}): choose another name"
    named = set(_references(resource))
    for function, good_as in (
        (FUNCTION, "every role of the catalog"),
        (REVOKER, "to say what is revoked"),
        (DOCTOR, "to read the catalog, and to take calls of STS from vends"),
    ):
        if function in named and _WATCHES.fullmatch(kind) is None:
            yield (
                f" ({kind}) refers to {function}: only what watches (CloudWatch, SSM parameters) may. To invoke the "
                f"function is as good as {good_as}"
            )
    for role, good_as in ((FUNCTION_ROLE, "every role of the catalog"), (REVOKER_ROLE, "to change all of its roles")):
        if role in named and _TELLS.fullmatch(kind) is None:
            yield (
                f" ({kind}) refers to {role}: only SSM parameters and Outputs may. To use the function's role "
                f"is as good as {good_as}"
            )
    if SIGNING_KEY in named and _TELLS.fullmatch(kind) is None:
        yield (
            f" ({kind}) refers to {SIGNING_KEY}: only SSM parameters and Outputs may. What it signs is as good as "
            "the roles of more than an hour"
        )
    alias = _part(resource, "Properties").get("AliasName")
    if kind == "AWS::KMS::Alias" and any(_SIGNING_NAME.search(text) for text in _texts(alias)):
        yield (
            ".Properties.AliasName is a name by which credvend knows its keys: choose another. `credvend-admin keys` "
            "moves those"
        )
    target = _ATTACHED.get(kind)
    if target is not None and not _names_added(_part(resource, "Properties").get(target, []), added):
        yield f".Properties.{target} must be a !Ref or !GetAtt of a resource of this file: it may not be credvend's"


def _names_added(value: object, added: set[str]) -> bool:
    """Whether a property names nothing but resources of the file."""
    if isinstance(value, list):
        return all(_names_added(one, added) for one in value)
    return isinstance(value, dict) and value.keys() <= {"Ref", "Fn::GetAtt"} and set(_references(value)) <= added


def _references(value: object) -> Iterator[str]:
    """The names that a part of a template refers to."""
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("Ref", "DependsOn") and isinstance(inner, str):
                yield inner.partition(".")[0]
            elif key == "DependsOn" and isinstance(inner, list):
                yield from (one for one in inner if isinstance(one, str))
            elif key == "Fn::GetAtt":
                yield str(inner[0] if isinstance(inner, list) and inner else inner).partition(".")[0]
            elif key == "Fn::Sub":
                text, *more = inner if isinstance(inner, list) else [inner]
                yield from _SUBSTITUTED.findall(str(text))
                yield from _references(more)
            else:
                yield from _references(inner)


def _texts(value: object) -> Iterator[str]:
    """All texts in a part of a template."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys(inner)


def _part(resource: Json, name: str) -> Json:
    return cast(Json, resource.get(name, {}))
