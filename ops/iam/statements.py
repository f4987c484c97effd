"""What stands in IAM policies of others, so that credvend may do its work and callers may call it."""

from collections.abc import Sequence
from typing import Final

_ASSUME: Final = "sts:AssumeRole"
TRUSTED_ACTIONS: Final = (_ASSUME, "sts:SetSourceIdentity", "sts:TagSession")


def trust_statements(
    function_role_arn: str, external_id: str | None = None, actions: Sequence[str] = TRUSTED_ACTIONS
) -> list[dict[str, object]]:
    """What stands in the trust policy of a role, with the condition that AWS checks the external id by.

    Of the three actions, only AssumeRole knows `sts:ExternalId`; the other two are worth nothing without that one:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html

    Args:
        external_id: the role's in the catalog; None: it has none.
        actions: some of the three, where the rest is allowed already.
    """
    whole = trust_statement(function_role_arn)
    if tuple(actions) != TRUSTED_ACTIONS:
        whole["Action"] = actions[0] if len(actions) == 1 else list(actions)
    if external_id is None or _ASSUME not in actions:
        return [whole]
    conditions = {**_condition(function_role_arn), "StringEquals": {"sts:ExternalId": external_id}}
    return [
        {**whole, "Action": _ASSUME, "Condition": conditions},
        {**whole, "Action": [action for action in actions if action != _ASSUME]},
    ]


def trust_statement(function_role_arn: str) -> dict[str, object]:
    """What stands in the trust policy of a role that lets credvend in.

    IAM keeps a role that is named as principal by its unique id: were the stack deleted and made again, each target
    role would trust a role that is no more. An account stays, and `aws:PrincipalArn` is compared as text, for a
    session with the ARN of its role:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn

    Args:
        function_role_arn: ARN of the function's role.
    """
    _, partition, _, _, account, _ = function_role_arn.split(":", 5)
    return {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": list(TRUSTED_ACTIONS),
        "Condition": _condition(function_role_arn),
    }


def _condition(function_role_arn: str) -> dict[str, object]:
    return {"ArnEquals": {"aws:PrincipalArn": function_role_arn}}


def invoke_statement(api_arn: str) -> dict[str, object]:
    """What stands in the IAM policy of a caller of the same account."""
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api_arn}/*/*/v1/iam/*"}
