"""What the roles of credvend's own account say of themselves: there, IAM tells why a role does not let it in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import unquote

from ops.aws.reader import Aws
from ops.documents.json_object import Json

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html (MaxItems)
_PAGE: Final = 1_000
_OPERATORS: Final = ("StringEquals", "StringLike", "ForAnyValue:StringEquals", "ForAnyValue:StringLike")


@dataclass(frozen=True, slots=True)
class KnownRole:
    """A role as IAM tells of it.

    Attributes:
        inline_characters: of all its inline policies, as IAM counts them.
        trust_characters: of its trust policy.
        attached: how many managed policies are.
        external_ids: one of which it demands of whom it lets in, as far as its conditions say it plainly.
    """

    arn: str
    inline_characters: int
    trust_characters: int
    attached: int
    external_ids: frozenset[str]


def known_roles(aws: Aws) -> dict[str, KnownRole]:
    """All roles of the account of the credentials, by ARN.

    Raises:
        NotTold, OperationFailed: IAM does not say.
    """
    # Not the 100 that IAM gives unless asked for more: accounts may have thousands.
    pages = {"PageSize": _PAGE}
    listed = aws.every(
        "iam", "get_account_authorization_details", "RoleDetailList", Filter=["Role"], PaginationConfig=pages
    )
    return {role.arn: role for role in map(_known, listed)}


def _known(detail: Json) -> KnownRole:
    trust = _document(detail.get("AssumeRolePolicyDocument"))
    inline = cast(list[Json], detail.get("RolePolicyList") or [])
    return KnownRole(
        arn=str(detail["Arn"]),
        inline_characters=sum(_characters(_document(one.get("PolicyDocument"))) for one in inline),
        trust_characters=_characters(trust),
        attached=len(cast(list[object], detail.get("AttachedManagedPolicies") or [])),
        external_ids=frozenset(_external_ids(trust)),
    )


def _document(told: object) -> Json:
    """A policy, which botocore has read already, or not."""
    if isinstance(told, str):
        return cast(Json, json.loads(unquote(told)))
    return cast(Json, told) if isinstance(told, dict) else {}


def _characters(document: Mapping[str, object]) -> int:
    """White space is not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    return len("".join(json.dumps(document, separators=(",", ":"), ensure_ascii=False).split()))


def _external_ids(trust: Mapping[str, object]) -> Iterator[str]:
    for statement in _listed(trust.get("Statement")):
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        conditions = statement.get("Condition")
        for operator, keys in (conditions if isinstance(conditions, dict) else {}).items():
            for key, value in (keys if isinstance(keys, dict) else {}).items():
                if operator in _OPERATORS and key.lower() == "sts:externalid":
                    yield from map(str, _listed(value))


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
