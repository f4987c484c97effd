"""Target roles as a CloudFormation template, which may be deployed to any account: alone, or by a stack set.

It names neither partition nor account of its own roles, uses no macro, and no nested stack, and has a default for each
parameter that is known, so that a stack set with service-managed permissions takes it:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-concepts.html
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from chalicelib.sessions.web_identity import AUDIENCE
from ops.documents.json_object import Json, json_text
from ops.errors import OperationFailed
from ops.onboarding.iam_role import AccountRoles, IamRole
from ops.onboarding.service import Service

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
BODY_BYTES: Final = 51_200
URL_BYTES: Final = 1_000_000
RESOURCES: Final = 500

ISSUER_PARAMETER: Final = "CredvendIssuer"
_PARAMETERS: Final = ("CredvendAccount", "CredvendFunctionRole", "CredvendRevokerRole", ISSUER_PARAMETER)
_ACCOUNT, _FUNCTION, _REVOKER, _ISSUER = _PARAMETERS
_PROVIDER: Final = "CredvendProvider"
_THEIRS: Final = f"arn:${{AWS::Partition}}:iam::${{{_ACCOUNT}}}:"
# Without capitals in it, and words that begin with a letter: two such names never make one id.
_PLAIN_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z][a-z0-9]*)*", re.ASCII)
# CloudFormation looks up `{{resolve:...}}` wherever it stands, and knows no way to mean the text:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
_DYNAMIC: Final = "{{"


def cloudformation_template(roles: AccountRoles, service: Service) -> Json:
    """The template.

    Raises:
        OperationFailed: CloudFormation would not take as many roles.
    """
    names = _Names(roles, service)
    ids = {logical_id(one.name) for one in roles.every}
    if len(ids) != len(roles.every):
        raise OperationFailed(f"Two roles of account {roles.account} have names that are too much alike: rename one.")
    resources = {_PROVIDER: names.provider()} if roles.makes_provider else {}
    resources |= {name: resource for one in roles.every for name, resource in names.resources(one)}
    if len(resources) > RESOURCES:
        raise OperationFailed(
            f"Account {roles.account} has {len(roles.every)} roles, whose template would have {len(resources)} "
            f"resources, and CloudFormation takes {RESOURCES}: name some of them, for a stack of their own, and then "
            "the others."
        )
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Roles that credvend vends.",
        "Parameters": _parameters(service, json.dumps(resources)),
        "Resources": resources,
    }


def template_text(template: Json) -> str:
    """The text of its file: for people, unless it then would have to lie in a bucket to be deployed.

    Raises:
        OperationFailed: CloudFormation would not take it from a bucket either.
    """
    text = json_text(template)
    if len(text.encode()) > BODY_BYTES:
        text = json.dumps(template, separators=(",", ":")) + "\n"
    if (size := len(text.encode())) > URL_BYTES:
        raise OperationFailed(
            f"The template would have {size:,} bytes, and CloudFormation takes {URL_BYTES:,}: name some roles, for a "
            "stack of their own, and then the others."
        )
    return text


def logical_id(name: str) -> str:
    """What a role is called in templates: by its name alone, so that it stays when others come and go."""
    words = "".join(word[:1].upper() + word[1:] for word in re.split("[^A-Za-z0-9]+", name))
    digest = "" if _PLAIN_NAME.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"Role{words}{digest}"


def _parameters(service: Service, resources: str) -> Json:
    """Those that are referred to."""
    return {
        name: {
            "Type": "String",
            **({} if default is None else {"Default": default}),
            "AllowedPattern": pattern,
            "Description": description,
        }
        for name, (default, pattern, description) in zip(_PARAMETERS, service.settings, strict=True)
        if f"${{{name}}}" in resources
    }


class _Names:
    """What stands in a template for ARNs that are written out."""

    def __init__(self, roles: AccountRoles, service: Service) -> None:
        self._account, self._partition = roles.account, roles.partition
        self._of_service = service.written(_THEIRS, f"${{{_FUNCTION}}}", f"${{{_REVOKER}}}")
        self._provider = service.provider
        self._makes_provider = roles.makes_provider
        self._tags = roles.roles[0].tags

    def provider(self) -> Json:
        """The OpenID Connect provider. IAM finds the thumbprint out, and has no use for it where AWS knows who signed.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html (ThumbprintList)
        """
        properties: Json = {"Url": {"Fn::Sub": f"https://${{{_ISSUER}}}"}, "ClientIdList": [AUDIENCE]}
        if self._tags:
            properties["Tags"] = self._written_tags(self._tags)
        return {"Type": "AWS::IAM::OIDCProvider", "Properties": properties}

    def resources(self, role: IamRole) -> Iterator[tuple[str, Json]]:
        """The role, and its inline policies: were they properties of it, the revoker's would be told as a drift."""
        name = logical_id(role.name)
        after = {"DependsOn": [_PROVIDER]} if role.by_web_identity and self._makes_provider else {}
        yield name, {"Type": "AWS::IAM::Role", **after, "Properties": self._role(role)}
        for policy, document in role.inline.items():
            properties = {"PolicyName": policy, "PolicyDocument": self._value(document), "Roles": [{"Ref": name}]}
            yield f"PolicyOf{name}", {"Type": "AWS::IAM::Policy", "Properties": properties}

    def _role(self, role: IamRole) -> Json:
        properties: Json = {"RoleName": role.name, "Path": role.path}
        if role.description:
            properties["Description"] = self._value(role.description)
        properties["MaxSessionDuration"] = role.max_session_seconds
        properties["AssumeRolePolicyDocument"] = (
            {"Fn::Sub": json.dumps(self._text(role.trust))} if role.by_web_identity else self._value(role.trust)
        )
        if role.boundary is not None:
            properties["PermissionsBoundary"] = self._value(role.boundary)
        if role.managed:
            properties["ManagedPolicyArns"] = self._value(list(role.managed))
        if role.tags:
            properties["Tags"] = self._written_tags(role.tags)
        return properties

    def _written_tags(self, tags: Sequence[tuple[str, str]]) -> list[Json]:
        return [{"Key": key, "Value": self._value(value)} for key, value in tags]

    def _text(self, node: object) -> object:
        """A document whose texts are all to be filled in together: in keys of an object, CloudFormation fills nothing
        in, and the conditions' keys begin with the issuer."""
        if isinstance(node, dict):
            named = f"{self._provider}:"
            return {
                f"${{{_ISSUER}}}:{key.removeprefix(named)}" if key.startswith(named) else key: self._text(value)
                for key, value in cast(Json, node).items()
            }
        if isinstance(node, list):
            return [self._text(one) for one in cast(list[object], node)]
        written = self._value(node)
        if isinstance(written, dict):
            written = written["Fn::Sub"]
        text = cast(str, written)  # a trust policy holds nothing else
        behind = f":oidc-provider/{self._provider}"
        return f"{text.removesuffix(behind)}:oidc-provider/${{{_ISSUER}}}" if text.endswith(behind) else text

    def _value(self, node: object) -> object:
        if isinstance(node, dict):
            return {key: self._value(value) for key, value in cast(Json, node).items()}
        if isinstance(node, list):
            return [self._value(value) for value in cast(list[object], node)]
        if not isinstance(node, str):
            return node
        if node in self._of_service:
            return {"Fn::Sub": self._of_service[node]}
        if self._account in node and "${" not in node:  # which only a description can hold
            # Also what roles.yaml says with ${account.id}, so that accounts with the same roles have the same template.
            text = _literal(node).replace(self._account, "${AWS::AccountId}")
            arn = f"arn:{self._partition}:"
            return {"Fn::Sub": text.replace(arn, "arn:${AWS::Partition}:", 1) if text.startswith(arn) else text}
        return _literal(node)


def _literal(text: str) -> str:
    while _DYNAMIC in text:
        text = text.replace(_DYNAMIC, "{ {")
    return text
