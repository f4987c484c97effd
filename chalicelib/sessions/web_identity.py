"""Sessions of more than an hour: a token of credvend's own, signed by KMS, is given to STS for them.

AWS limits what AssumeRole gives a role's session to one hour, and the function is one; AssumeRoleWithWebIdentity knows
no such limit. A session's tags and its source identity stand in the token; the rest is asked for as ever.
The token is for one role, and leaves credvend to STS alone.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
"""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from chalicelib.aws.answers import request_id_of
from chalicelib.errors import InvalidRequest
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Session, answered, common_arguments, milliseconds_since, read_session
from chalicelib.sessions.sts_failures import StsFailure, not_signed, out_of_time, unbelievable
from chalicelib.signing.keys import KeyRing, SigningFailed
from chalicelib.signing.token import signed_token

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleWithWebIdentityRequestTypeDef

AUDIENCE: Final = "sts.amazonaws.com"
# From its signature on: STS is asked at once.
TOKEN_SECONDS: Final = 60
# STS checks `iat` and `exp` by its own clock.
_CLOCKS_SECONDS: Final = 5
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (WebIdentityToken)
_TOKEN_CHARACTERS: Final = 20_000
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
_TAGS_CLAIM: Final = "https://aws.amazon.com/tags"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
_SOURCE_IDENTITY_CLAIM: Final = "https://aws.amazon.com/source_identity"


def assume_role_with_token(
    client: "Callable[[], STSClient]", keys: KeyRing, issuer: str, plan: SessionPlan, has_time: Callable[[], bool]
) -> Session:
    """Carry out the plan.

    Args:
        client: of STS, which is asked for once the token is signed: until then a kept connection may be gone. The call
            is not signed.
        issuer: URL that the token names.
        has_time: whether STS can still be waited for, once the token is signed.

    Raises:
        StsFailure: KMS signed nothing; STS refused, could not be reached, or answered with half a session.
    """
    started = time.monotonic()
    try:
        token, key = signed_token(_claims(plan, issuer), keys)
    except SigningFailed as error:
        raise not_signed(error.problem, error.request_id, milliseconds_since(started)) from None
    if len(token) > _TOKEN_CHARACTERS:
        too_long = InvalidRequest(
            f"Tags for role {plan.role.name} are more than STS takes. Send fewer, or shorter ones."
        )
        raise StsFailure(too_long, "packed_policy_too_large", None, milliseconds_since(started))
    if not has_time():
        raise out_of_time(milliseconds_since(started))
    arguments, sts = _arguments(plan, token), client()
    answer, _ = answered(lambda: sts.assume_role_with_web_identity(**arguments), plan, "AssumeRoleWithWebIdentity")
    told = cast(Mapping[str, Any], answer)
    if told.get("SubjectFromWebIdentityToken") != plan.role.arn:
        problem = "SubjectFromWebIdentityToken is not the token's"
        raise unbelievable(problem, request_id_of(told), milliseconds_since(started))
    session = read_session(told, plan, milliseconds_since(started))
    return session._replace(issued_by="web_identity", signing_key=key.id)


def _claims(plan: SessionPlan, issuer: str) -> dict[str, object]:
    """What the token says. Its subject is the role: at another one, it is worth nothing."""
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": plan.role.arn,
        "iat": now - _CLOCKS_SECONDS,
        "exp": now + TOKEN_SECONDS,
        "jti": str(uuid.uuid4()),
    }
    if plan.tags:
        tags: dict[str, object] = {"principal_tags": {key: [value] for key, value in plan.tags}}
        if plan.transitive_tags:
            tags["transitive_tag_keys"] = list(plan.transitive_tags)
        claims[_TAGS_CLAIM] = tags
    if plan.source_identity is not None:
        claims[_SOURCE_IDENTITY_CLAIM] = plan.source_identity
    return claims


def _arguments(plan: SessionPlan, token: str) -> "AssumeRoleWithWebIdentityRequestTypeDef":
    return cast("AssumeRoleWithWebIdentityRequestTypeDef", {**common_arguments(plan), "WebIdentityToken": token})
