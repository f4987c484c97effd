"""Is what STS answered the session that was asked for? Half of one is none, and is never handed out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.sessions.plan import SessionPlan

# https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html: none of the three holds a blank.
_KEYS: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken")
# Of a key that ends with its session. One that starts with AKIA stays until somebody deletes it:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
_TEMPORARY: Final = "ASIA"
# Percent. STS refuses what is larger: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_LARGEST_PACKED_SIZE: Final = 100
# STS takes no signature whose clock differs by more, so neither clock can:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
_LARGEST_SKEW_SECONDS: Final = 300
# Between the session and the lease that is made of it: longer, no function runs.
_UNDER_WAY_SECONDS: Final = 30


def problem_with(answer: Mapping[str, object], plan: SessionPlan, now: float) -> str | None:
    """What is wrong with an answer to AssumeRole, in words that hold nothing of it; None: nothing is.

    Args:
        answer: as botocore has read it, which checks no more than what can be read as a number or a time.
        now: seconds since 1970, UTC.
    """
    credentials, user = _mapping(answer.get("Credentials")), _mapping(answer.get("AssumedRoleUser"))
    return (
        _problem_with_keys(answer)
        or _problem_with_expiration(credentials.get("Expiration"), plan, now)
        or _problem_with_user(user, plan)
        or _problem_with_the_rest(answer, plan)
    )


def problem_with_lease(
    answer: Mapping[str, object], arn: str, expiration: datetime, plan: SessionPlan, now: float
) -> str | None:
    """The same of an answer to GetScopedCredentials.

    Args:
        arn: of the session that the lease is made of, and whose name it keeps.
        expiration: of that session, which lasts 15 minutes.
    """
    ends = _mapping(answer.get("Credentials")).get("Expiration")
    problem = _problem_with_keys(answer) or _problem_with_expiration(ends, plan, now)
    if problem is not None:
        return problem
    assert isinstance(ends, datetime)  # noqa: S101 seen just now
    # Both moments are by STS's clock.
    if (expiration - ends).total_seconds() < MINIMUM_SECONDS - plan.duration - _UNDER_WAY_SECONDS:
        return "Expiration is later than was asked for"
    if _mapping(answer.get("SessionInfo")).get("Arn") != arn:
        return "SessionInfo.Arn is not that of the session asked for"
    return _problem_with_the_rest(answer, plan)


def _problem_with_keys(answer: Mapping[str, object]) -> str | None:
    credentials = _mapping(answer.get("Credentials"))
    for name in _KEYS:
        if not _is_key(credentials.get(name)):
            return f"{name} is missing or malformed"
    if not str(credentials.get("AccessKeyId")).startswith(_TEMPORARY):
        return "AccessKeyId is not that of a session"
    return None


def _is_key(value: object) -> bool:
    """Whether it is printable ASCII without blanks. Faster than a pattern: a session token is long."""
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable() and " " not in value


def _problem_with_expiration(expiration: object, plan: SessionPlan, now: float) -> str | None:
    if not isinstance(expiration, datetime) or expiration.tzinfo is None:
        return "Expiration is missing or malformed"
    left = expiration.timestamp() - now
    if left <= 0:
        return "Expiration is in the past"
    if left > plan.duration + _LARGEST_SKEW_SECONDS:
        return "Expiration is later than was asked for"
    return None


def _problem_with_user(user: Mapping[str, object], plan: SessionPlan) -> str | None:
    """The session's ARN has the role's name without its path, in IAM's own spelling, which knows no case.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    arn, identifier = user.get("Arn"), user.get("AssumedRoleId")
    role = plan.role
    head = f"arn:{role.partition}:sts::{role.account}:assumed-role/{role.arn.rpartition('/')[2]}/"
    if not isinstance(arn, str) or arn[: len(head)].lower() != head.lower() or arn[len(head) :] != plan.session_name:
        return "AssumedRoleUser.Arn is not that of the session asked for"
    unique_id, *named = identifier.partition(":") if isinstance(identifier, str) else ("",)
    if not unique_id or named != [":", plan.session_name]:
        return "AssumedRoleUser.AssumedRoleId is not that of the session asked for"
    return None


def _problem_with_the_rest(answer: Mapping[str, object], plan: SessionPlan) -> str | None:
    # STS answers with it: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html. A session that has
    # lost it is nobody's in CloudTrail. One where none was asked for is inherited from credvend's own, if that has one.
    if plan.source_identity is not None and answer.get("SourceIdentity") != plan.source_identity:
        return "SourceIdentity is not the one asked for"
    packed = answer.get("PackedPolicySize")
    if packed is not None and not (isinstance(packed, int) and 0 <= packed <= _LARGEST_PACKED_SIZE):
        return "PackedPolicySize is no percentage"
    request_id = _mapping(answer.get("ResponseMetadata")).get("RequestId")
    if not (isinstance(request_id, str) and request_id):
        return "the request id is missing"
    return None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
