"""Target roles as a Terraform module in JSON syntax (`.tf.json`), for Terraform and OpenTofu.

https://developer.hashicorp.com/terraform/language/syntax/json

It names neither partition nor account of its own roles. The roles' inline policies are not taken over as a whole, by
`inline_policy` or the like: that would take revocations off.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

from chalicelib.sessions.web_identity import AUDIENCE
from ops.documents.json_object import Json
from ops.errors import OperationFailed
from ops.onboarding.iam_role import AccountRoles, IamRole
from ops.onboarding.service import Service

_PARTITION: Final = "${data.aws_partition.current.partition}"
_OWN_ACCOUNT: Final = "${data.aws_caller_identity.current.account_id}"
_THEIRS: Final = f"arn:{_PARTITION}:iam::${{var.credvend_account}}:"
ISSUER_VARIABLE: Final = "credvend_issuer"
_VARIABLES: Final = ("credvend_account", "credvend_function_role", "credvend_revoker_role", ISSUER_VARIABLE)
_ACCOUNT, _FUNCTION, _REVOKER, _ISSUER = _VARIABLES
_PROVIDER: Final = "aws_iam_openid_connect_provider"
# The first that does without a thumbprint: https://github.com/hashicorp/terraform-provider-aws/pull/37255
_WITH_PROVIDER: Final = ">= 5.82"
_WITHOUT: Final = ">= 5.0"
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_DOCUMENT: Final = "aws_iam_policy_document"


def terraform_module(roles: AccountRoles, service: Service) -> Json:
    """The module.

    Raises:
        OperationFailed: the names of two roles cannot be told apart there.
    """
    writer = _Writer(roles, service)
    for one in roles.every:
        writer.add(one)
    return writer.module(service)


def label(name: str) -> str:
    """What a role is called in modules: by its name alone, so that it stays when others come and go."""
    if _IDENTIFIER.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"role_{re.sub('[^A-Za-z0-9_-]', '_', name)}_{digest}"


def literal(text: str) -> str:
    """A text in which nothing is put in: strings of JSON syntax are templates.

    https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
    """
    return text.replace("${", "$${").replace("%{", "%%{")


class _Writer:
    """The blocks of a module, as roles are added."""

    def __init__(self, roles: AccountRoles, service: Service) -> None:
        self._account, self._partition = roles.account, roles.partition
        self._of_service = service.written(_THEIRS, f"${{var.{_FUNCTION}}}", f"${{var.{_REVOKER}}}")
        self._provider = service.provider
        self._makes_provider = roles.makes_provider
        self._tags = roles.roles[0].tags
        self._documents: Json = {}
        self._roles: Json = {}
        self._policies: Json = {}
        self._attachments: Json = {}

    def add(self, role: IamRole) -> None:
        name = label(role.name)
        if name in self._roles:
            raise OperationFailed(f"{role.arn} has a name that is too much like another one's: rename one of them.")
        block: Json = {"name": role.name, "path": role.path}
        if role.description:
            block["description"] = self._text(role.description)
        block["max_session_duration"] = role.max_session_seconds
        block["assume_role_policy"] = self._document(f"{name}_trust", role.trust)
        if role.boundary is not None:
            block["permissions_boundary"] = self._text(role.boundary)
        if role.tags:
            block["tags"] = self._written_tags(role.tags)
        if role.by_web_identity and self._makes_provider:
            block["depends_on"] = [f"{_PROVIDER}.credvend"]
        # A role that has the revoker's policy could not be deleted otherwise.
        block["force_detach_policies"] = True
        self._roles[name] = block
        reference = f"${{aws_iam_role.{name}.name}}"
        for policy, document in role.inline.items():
            written = self._document(f"{name}_{policy}", document)
            self._policies[f"{name}_{policy}"] = {"name": policy, "role": reference, "policy": written}
        for arn in role.managed:
            # Of the ARN without its account, so that modules of several accounts are the same.
            digest = hashlib.sha256(self._text(arn).encode()).hexdigest()[:8]
            self._attachments[f"{name}_{digest}"] = {"role": reference, "policy_arn": self._text(arn)}

    def module(self, service: Service) -> Json:
        resources: Json = {"aws_iam_role": self._roles}
        resources |= {"aws_iam_role_policy": self._policies} if self._policies else {}
        resources |= {"aws_iam_role_policy_attachment": self._attachments} if self._attachments else {}
        if self._makes_provider:
            block: Json = {"url": f"https://${{var.{_ISSUER}}}", "client_id_list": [AUDIENCE]}
            block |= {"tags": self._written_tags(self._tags)} if self._tags else {}
            resources = {_PROVIDER: {"credvend": block}} | resources
        version = _WITH_PROVIDER if self._makes_provider else _WITHOUT
        used = str((self._documents, resources))
        data: Json = {"aws_partition": {"current": {}}}
        data |= {"aws_caller_identity": {"current": {}}} if "data.aws_caller_identity.current" in used else {}
        return {
            "terraform": {
                "required_version": ">= 1.3",
                "required_providers": {"aws": {"source": "hashicorp/aws", "version": version}},
            },
            "variable": _variables(service, used),
            "data": data | {_DOCUMENT: self._documents},
            "resource": resources,
        }

    def _document(self, name: str, document: Json) -> str:
        """Add a policy document. Returns the reference to it."""
        statements = [self._statement(one) for one in cast(list[Json], document["Statement"])]
        self._documents[name] = {"version": document["Version"], "statement": statements}
        return f"${{data.{_DOCUMENT}.{name}.json}}"

    def _statement(self, statement: Json) -> Json:
        unknown = statement.keys() - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
        assert not unknown  # noqa: S101 that is all that ops/iam/ writes
        block: Json = {"sid": statement["Sid"]} if "Sid" in statement else {}
        block["effect"] = statement["Effect"]
        if "Principal" in statement:
            block["principals"] = [
                {"type": kind, "identifiers": self._texts(who)}
                for kind, who in cast(Json, statement["Principal"]).items()
            ]
        block["actions"] = self._texts(statement["Action"])
        if "Resource" in statement:
            block["resources"] = self._texts(statement["Resource"])
        if "Condition" in statement:
            block["condition"] = [
                {"test": operator, "variable": self._key(key), "values": self._texts(values)}
                for operator, keys in cast(Mapping[str, Json], statement["Condition"]).items()
                for key, values in keys.items()
            ]
        return block

    def _written_tags(self, tags: Sequence[tuple[str, str]]) -> Json:
        return {literal(key): self._text(value) for key, value in tags}

    def _key(self, key: str) -> str:
        """Of a condition: those about credvend's tokens begin with the issuer."""
        named = f"{self._provider}:"
        return f"${{var.{_ISSUER}}}:{key.removeprefix(named)}" if key.startswith(named) else key

    def _texts(self, value: object) -> list[str]:
        return [self._text(str(one)) for one in (cast(list[object], value) if isinstance(value, list) else [value])]

    def _text(self, text: str) -> str:
        if text in self._of_service:
            return self._of_service[text]
        behind = f":oidc-provider/{self._provider}"
        if text.endswith(behind):
            return f"{self._text(text.removesuffix(behind))}:oidc-provider/${{var.{_ISSUER}}}"
        if self._account not in text:
            return literal(text)
        # Also what roles.yaml says with ${account.id}, so that accounts with the same roles have the same module.
        written = literal(text).replace(self._account, _OWN_ACCOUNT)
        arn = f"arn:{self._partition}:"
        return f"arn:{_PARTITION}:{written.removeprefix(arn)}" if written.startswith(arn) else written


def _variables(service: Service, used: str) -> Json:
    """Those that are referred to."""
    return {
        variable: {
            "type": "string",
            **({} if default is None else {"default": default}),
            "description": description,
            "validation": [
                {
                    "condition": f'${{can(regex("^{pattern}$", var.{variable}))}}',
                    "error_message": f"It must be like {pattern}.",
                }
            ],
        }
        for variable, (default, pattern, description) in zip(_VARIABLES, service.settings, strict=True)
        if f"${{var.{variable}}}" in used
    }
