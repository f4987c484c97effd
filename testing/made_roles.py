"""What the files of `credvend-admin onboard` come to: the roles that CloudFormation or Terraform would make of them.

Whatever a file holds that is not understood here is an error: a test must not pass over it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

Json = dict[str, object]
Document = Mapping[str, object]
_PLACEHOLDER: Final = re.compile(r"\$\{([^!}][^}]*)\}")
_TERRAFORM: Final = re.compile(r"(\$\$|%%)\{|(\$|%)\{([^}]*)\}")


@dataclass(frozen=True)
class MadeRole:
    """A role as IAM would be asked for it; documents as they are read, which may say one thing in several ways."""

    name: str
    path: str
    description: str
    max_session_seconds: int
    trust: Json
    inline: Mapping[str, Json]
    managed: frozenset[str]
    boundary: str | None
    tags: Mapping[str, str]


def made_by_cloudformation(
    template: Document, account: str, partition: str = "aws", **parameters: str
) -> list[MadeRole]:
    """The roles of a template in an account; parameters that are not given have their defaults."""
    assert template["AWSTemplateFormatVersion"] == "2010-09-09"
    assert set(template) == {"AWSTemplateFormatVersion", "Description", "Parameters", "Resources"}
    told = cast(Mapping[str, Mapping[str, str]], template["Parameters"])
    values = {name: parameters[name] if name in parameters else one["Default"] for name, one in told.items()}
    assert parameters.keys() <= told.keys()
    for name, value in values.items():
        assert re.fullmatch(told[name]["AllowedPattern"], value), name
    values |= {"AWS::AccountId": account, "AWS::Partition": partition}

    def resolved(node: object) -> object:
        if isinstance(node, list):
            return [resolved(one) for one in node]
        if isinstance(node, str):
            assert "{{" not in node, "CloudFormation would look that up"
        if not isinstance(node, dict):
            return node
        if "Fn::Sub" in node:
            (text,) = node.values()
            return _PLACEHOLDER.sub(lambda match: values[match[1]], str(text))
        assert not [key for key in node if key.startswith("Fn::")]
        return {key: resolved(one) for key, one in node.items()}

    resources = {name: cast(Json, resolved(one)) for name, one in cast(Json, template["Resources"]).items()}
    of_role: dict[str, list[Json]] = {}
    for resource in resources.values():
        assert resource.keys() - {"DependsOn"} == {"Type", "Properties"}
        properties = cast(Json, resource["Properties"])
        for before in cast(list[str], resource.get("DependsOn", [])):
            assert resources[before]["Type"] == "AWS::IAM::OIDCProvider"
        if resource["Type"] == "AWS::IAM::OIDCProvider":
            assert properties.pop("ClientIdList") == ["sts.amazonaws.com"]
            assert str(properties.pop("Url")).startswith("https://") and properties.keys() <= {"Tags"}
        elif resource["Type"] == "AWS::IAM::Policy":
            assert properties.keys() == {"PolicyName", "PolicyDocument", "Roles"}
            ((reference,),) = (cast(list[dict[str, str]], properties["Roles"]),)
            assert resources[reference["Ref"]]["Type"] == "AWS::IAM::Role"
            of_role.setdefault(reference["Ref"], []).append(properties)
        else:
            assert resource["Type"] == "AWS::IAM::Role"
    roles = {name: one for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}
    return [_by_cloudformation(cast(Json, one["Properties"]), of_role.get(name, [])) for name, one in roles.items()]


def _by_cloudformation(properties: Json, policies: list[Json]) -> MadeRole:
    told = dict(properties)
    trust = told.pop("AssumeRolePolicyDocument")
    made = MadeRole(
        name=str(told.pop("RoleName")),
        path=str(told.pop("Path")),
        description=str(told.pop("Description", "")),
        max_session_seconds=cast(int, told.pop("MaxSessionDuration")),
        trust=normal(json.loads(trust) if isinstance(trust, str) else trust),
        inline={str(one["PolicyName"]): normal(one["PolicyDocument"]) for one in policies},
        managed=frozenset(cast(list[str], told.pop("ManagedPolicyArns", []))),
        boundary=cast(str | None, told.pop("PermissionsBoundary", None)),
        tags={str(one["Key"]): str(one["Value"]) for one in cast(list[Json], told.pop("Tags", []))},
    )
    assert not told
    return made


def made_by_terraform(module: Document, account: str, partition: str = "aws", **variables: str) -> list[MadeRole]:
    """The roles of a module in JSON syntax, applied in an account; variables that are not given have their defaults."""
    assert module.keys() == {"terraform", "variable", "data", "resource"}
    told = cast(Mapping[str, Mapping[str, object]], module["variable"])
    assert variables.keys() <= told.keys()
    given = {name: variables[name] if name in variables else one["default"] for name, one in told.items()}
    values = {f"var.{name}": str(value) for name, value in given.items()}
    for name, one in told.items():
        (validation,) = cast(list[dict[str, str]], one["validation"])
        (pattern,) = re.findall(rf'^\$\{{can\(regex\("\^(.*)\$", var\.{name}\)\)\}}$', validation["condition"])
        assert re.fullmatch(pattern, values[f"var.{name}"]), name
    data, resources = dict(cast(Json, module["data"])), dict(cast(Json, module["resource"]))
    assert data.pop("aws_partition") == {"current": {}}
    values["data.aws_partition.current.partition"] = partition
    if "aws_caller_identity" in data:
        assert data.pop("aws_caller_identity") == {"current": {}}
        values["data.aws_caller_identity.current.account_id"] = account
    text = _terraform_text(values)
    for name, document in cast(Json, data.pop("aws_iam_policy_document")).items():
        values[f"data.aws_iam_policy_document.{name}.json"] = json.dumps(
            _terraform_document(cast(Json, document), text)
        )
    roles = cast(dict[str, Json], resources.pop("aws_iam_role"))
    for label, block in roles.items():
        values[f"aws_iam_role.{label}.name"] = str(block["name"])
    policies = cast(dict[str, Json], resources.pop("aws_iam_role_policy", {})).values()
    attachments = cast(dict[str, Json], resources.pop("aws_iam_role_policy_attachment", {})).values()
    for provider in cast(dict[str, Json], resources.pop("aws_iam_openid_connect_provider", {})).values():
        assert provider.pop("client_id_list") == ["sts.amazonaws.com"]
        assert text(provider.pop("url")).startswith("https://") and provider.keys() <= {"tags"}
    assert not data and not resources
    return [_by_terraform(block, list(policies), list(attachments), text) for block in roles.values()]


def _by_terraform(
    block: Json, policies: list[Json], attachments: list[Json], text: Callable[[object], str]
) -> MadeRole:
    told = dict(block)
    name = text(told.pop("name"))
    assert told.pop("force_detach_policies") is True
    assert told.pop("depends_on", None) in (None, ["aws_iam_openid_connect_provider.credvend"])
    boundary = told.pop("permissions_boundary", None)
    made = MadeRole(
        name=name,
        path=text(told.pop("path")),
        description=text(told.pop("description", "")),
        max_session_seconds=cast(int, told.pop("max_session_duration")),
        trust=normal(json.loads(text(told.pop("assume_role_policy")))),
        inline={
            text(one["name"]): normal(json.loads(text(one["policy"]))) for one in policies if text(one["role"]) == name
        },
        managed=frozenset(text(one["policy_arn"]) for one in attachments if text(one["role"]) == name),
        boundary=None if boundary is None else text(boundary),
        tags={text(key): text(value) for key, value in cast(Json, told.pop("tags", {})).items()},
    )
    assert not told
    return made


def _terraform_text(values: Mapping[str, str]) -> Callable[[object], str]:
    """Reads a string of JSON syntax, which is a template: what stands for a value is known, or an error."""

    def put_in(match: re.Match[str]) -> str:
        if match[1] is not None:
            return f"{match[1][0]}{{"
        assert match[2] == "$", "a directive"
        return values[match[3]]

    return lambda written: _TERRAFORM.sub(put_in, cast(str, written))


def _terraform_document(document: Json, text: Callable[[object], str]) -> Json:
    """As the data source `aws_iam_policy_document` writes it."""
    assert document.keys() == {"version", "statement"}
    statements = []
    for block in cast(list[Json], document["statement"]):
        assert block.keys() <= {"sid", "effect", "principals", "actions", "resources", "condition"}
        statement: Json = {
            "Effect": block["effect"],
            "Action": [text(one) for one in cast(list[str], block["actions"])],
        }
        if "sid" in block:
            statement["Sid"] = block["sid"]
        if "resources" in block:
            statement["Resource"] = [text(one) for one in cast(list[str], block["resources"])]
        for principal in cast(list[Json], block.get("principals", [])):
            who = [text(one) for one in cast(list[str], principal["identifiers"])]
            cast(Json, statement.setdefault("Principal", {}))[str(principal["type"])] = who
        for condition in cast(list[Json], block.get("condition", [])):
            keys = cast(Json, cast(Json, statement.setdefault("Condition", {})).setdefault(str(condition["test"]), {}))
            assert condition["variable"] not in keys
            keys[text(condition["variable"])] = [text(one) for one in cast(list[str], condition["values"])]
        statements.append(statement)
    return {"Version": document["version"], "Statement": statements}


def normal(document: object) -> Json:
    """A policy document in one form: a list of one is that one, and the order of a list says nothing."""

    def plain(node: object) -> object:
        if isinstance(node, list):
            found = [plain(one) for one in node]
            return found[0] if len(found) == 1 else sorted(found, key=json.dumps)
        if isinstance(node, dict):
            return {key: plain(node[key]) for key in sorted(node)}
        return node

    return cast(Json, plain(document))
