"""What stands in IAM policies of others, so that credvend may do its work and callers may call it."""

from collections.abc import Sequence
from typing import Final

from chalicelib.sessions.web_identity import AUDIENCE

_ASSUME: Final = "sts:AssumeRole"
_SET_SOURCE_IDENTITY: Final = "sts:SetSourceIdentity"
_TAG_SESSION: Final = "sts:TagSession"
TRUSTED_ACTIONS: Final = (_ASSUME, _SET_SOURCE_IDENTITY, _TAG_SESSION)
_BY_WEB_IDENTITY: Final = "sts:AssumeRoleWithWebIdentity"
# What the revoker asks of a role with a probe (chalicelib/revocation/probe.py), and of an operator role
# (chalicelib/revocation/iam.py).
PROBE_ACTIONS: Final = (_ASSUME, _TAG_SESSION)
OPERATOR_ACTIONS: Final = (_ASSUME, _SET_SOURCE_IDENTITY)


def session_actions(*, source_identity: bool, tag_session: bool) -> tuple[str, ...]:
    """Of the three actions, those that a session takes: to be vended, or to go on to a further role.

    Args:
        source_identity, tag_session: as roles.yaml has them.
    """
    left_out = {
        *(() if source_identity else (_SET_SOURCE_IDENTITY,)),
        *(() if tag_session else (_TAG_SESSION,)),
    }
    return tuple(action for action in TRUSTED_ACTIONS if action not in left_out)


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
    assume = {**whole, "Action": _ASSUME, "Condition": conditions}
    others = [action for action in actions if action != _ASSUME]
    return [assume, {**whole, "Action": others}] if others else [assume]


def provider_arn(role_arn: str, provider: str) -> str:
    """The OpenID Connect provider of a role's account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html

    Args:
        provider: the URL of the issuer without `https://`.
    """
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    return f"arn:{partition}:iam::{account}:oidc-provider/{provider}"


def web_identity_statement(role_arn: str, provider: str, actions: Sequence[str] = TRUSTED_ACTIONS) -> dict[str, object]:
    """What stands in the trust policy of a role that credvend's tokens are for.

    The token names the role: without the condition on `sub`, one for any other role of the account would do.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif

    Args:
        provider: the URL of the issuer without `https://`.
        actions: as AssumeRole has them.
    """
    named = [_BY_WEB_IDENTITY if action == _ASSUME else action for action in actions]
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn(role_arn, provider)},
        "Action": named[0] if len(named) == 1 else named,
        "Condition": {"StringEquals": {f"{provider}:aud": AUDIENCE, f"{provider}:sub": role_arn}},
    }


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
