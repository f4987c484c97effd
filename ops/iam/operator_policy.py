"""The IAM policies of the role, in each account but credvend's own, through which its revoker works there."""

from collections.abc import Sequence
from typing import Final

from chalicelib.aws.policy_document import VERSION
from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.roles.role import account_of
from ops.documents.json_object import Json
from ops.iam.revoker_policy import revocable
from ops.iam.statements import OPERATOR_ACTIONS, trust_statements

# Those that chalicelib/revocation/iam.py calls.
_ACTIONS: Final = ("iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:PutRolePolicy")


def operator_trust(revoker_role_arn: str) -> Json:
    """Its trust policy: the revoker, which sets a source identity and no tags."""
    return {"Version": VERSION, "Statement": trust_statements(revoker_role_arn, None, OPERATOR_ACTIONS)}


def operator_policy(operator_arn: str, roles: Sequence[str]) -> Json:
    """What it may do: change the inline policies of roles.

    IAM has no condition on the name of an inline policy, so that it is about all of theirs.

    Args:
        operator_arn: its own, which it must never change, whatever the others cover.
        roles: what stands for them in IAM policies, as `revocable_in` tells it.
    """
    return {
        "Version": VERSION,
        "Statement": [
            _statement("WriteRevocationPolicies", "Allow", _ACTIONS, roles),
            _statement("NeverItself", "Deny", ("iam:DeleteRolePolicy", "iam:PutRolePolicy"), [operator_arn]),
        ],
    }


def revocable_in(account: str, catalog: WrittenCatalog) -> list[str]:
    """The roles of an account whose sessions may be revoked: the catalog's, and those that these chain to."""
    return [arn for arn in revocable(catalog) if account_of(arn) == account]


def _statement(sid: str, effect: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": effect, "Action": list(actions), "Resource": list(resources)}
