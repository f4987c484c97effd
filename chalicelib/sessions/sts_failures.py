"""What it means that STS gives no session: a cause for the audit record, and words that a person can act on.

STS's own messages stay inside: they name the service's session. Of them, only its role is told, to callers whom policy
lets have the target: whoever is to trust that role has to know it.
"""

import re
from typing import Final, Literal

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NotConnected

from chalicelib.aws.answers import code_of, request_id_of
from chalicelib.errors import CredvendError, InternalError, InvalidRequest, OutOfTime, StsRefused, StsUnavailable
from chalicelib.sessions.plan import SessionPlan

# docs/audit.md says what each means.
Cause = Literal[
    "not_trusted",
    "no_tag_session",
    "no_set_source_identity",
    "own_policy",
    "explicit_deny",
    "max_session_duration",
    "malformed_policy",
    "packed_policy_too_large",
    "region_disabled",
    "no_provider",
    "keys_not_reached",
    "token_refused",
    "not_signed",
    "no_scoped_credentials",
    "out_of_time",
    "throttled",
    "own_credentials",
    "sts_error",
    "bad_answer",
    "unreachable",
    "not_sent",
    "refused",
    "unforeseen",
]
_PERCENT = re.compile(r"\b([0-9]{3,6})%")
Operation = Literal["AssumeRole", "AssumeRoleWithWebIdentity", "GetScopedCredentials"]
# Of a token, AWS says "Not authorized to perform sts:AssumeRoleWithWebIdentity", without a colon.
_DENIED_ACTION = re.compile(
    r"perform:? sts:(AssumeRoleWithWebIdentity|AssumeRole|TagSession|SetSourceIdentity|GetScopedCredentials)\b"
)
# "User: ARN is not authorized to perform: ACTION on resource: ARN". A session's ARN names its role without a path, and
# credvend's has none: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_OWN_SESSION: Final = r"User: arn:([a-z-]+):sts::([0-9]{12}):assumed-role/([A-Za-z0-9_+=,.@-]{1,64})/"
# IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
_JUST_CHANGED: Final = "If that was changed just now, this can take some seconds: try again."
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
_OWN_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
# Of AssumeRoleWithWebIdentity, by its model.
_TOKEN: Final = frozenset(
    {"ExpiredTokenException", "IDPCommunicationError", "IDPRejectedClaim", "InvalidIdentityToken"}
)
# https://github.com/boto/botocore/blob/develop/botocore/exceptions.py
_NETWORK: Final = (HTTPClientError, NotConnected, IncompleteReadError)
_NO_CREDENTIALS: Final = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, MetadataRetrievalError)
_STS_PROBLEM = "STS has a problem of its own. Try again in a few seconds."
# What the owner of a role must do that is to take credvend's tokens.
_PROVIDER: Final = (
    "its account must have an OpenID Connect provider of credvend's issuer, with the audience sts.amazonaws.com, and "
    "its trust policy must allow sts:AssumeRoleWithWebIdentity, sts:TagSession and sts:SetSourceIdentity to that. "
    "`credvend-admin onboard` writes both."
)
# What the owner of the role must do, by the action that was denied, and the cause's name.
_DENIED: Final[dict[str, tuple[Cause, str]]] = {
    "AssumeRoleWithWebIdentity": (
        "not_trusted",
        "The role does not exist, or does not trust credvend's tokens: " + _PROVIDER,
    ),
    "GetScopedCredentials": (
        "no_scoped_credentials",
        "Sessions of less than 15 minutes need it: the role's own policies must allow it, and no other may deny it. "
        "Or ask for 15 minutes.",
    ),
    "AssumeRole": (
        "not_trusted",
        "The role does not exist, or its trust policy does not let credvend in: its owner must allow sts:AssumeRole to "
        "{own_role} (with the ExternalId that it demands).",
    ),
    "TagSession": (
        "no_tag_session",
        "Its trust policy must allow sts:TagSession to {own_role}, or the catalog must say tag_session: false.",
    ),
    "SetSourceIdentity": (
        "no_set_source_identity",
        "Its trust policy must allow sts:SetSourceIdentity to {own_role}, or the catalog must say "
        "source_identity: false.",
    ),
}


class StsFailure(Exception):
    """There is no session.

    Attributes:
        answer: what the caller is told.
        cause: short name of the cause, for the audit record.
        request_id: the id that STS gave the call, None where STS was not reached, or it could not be read.
        milliseconds: time the call took, retries included.
        error_type: what botocore raised, where STS itself answered no error.
        problem: what is wrong with an answer.
        access_key_id: of a session that there is, and that nobody has.
    """

    access_key_id: str | None = None

    def __init__(
        self,
        answer: CredvendError,
        cause: Cause,
        request_id: str | None,
        milliseconds: int,
        error_type: str | None = None,
        problem: str | None = None,
    ) -> None:
        super().__init__(cause)
        self.error_type = error_type
        self.problem = problem
        self.answer = answer
        self.cause = cause
        self.request_id = request_id
        self.milliseconds = milliseconds


def refused(error: ClientError, plan: SessionPlan, operation: Operation, milliseconds: int) -> StsFailure:
    """STS answered, with an error."""
    # What botocore could not read of an answer is missing here.
    code = code_of(error)
    message = error.response.get("Error", {}).get("Message", "")
    cause, answer = _explain(code, message, plan, operation)
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        cause, answer = "sts_error", StsUnavailable(_STS_PROBLEM)
    return StsFailure(answer, cause, request_id_of(error.response), milliseconds)


def not_answered(error: BotoCoreError, milliseconds: int) -> StsFailure:
    """STS was not asked, or did not answer: botocore gave up. Only of a network can it be said that it may pass."""
    kind = type(error).__name__
    if isinstance(error, _NETWORK):
        answer = StsUnavailable("STS could not be reached. Try again in a few seconds.")
        return StsFailure(answer, "unreachable", None, milliseconds, error_type=kind)
    if isinstance(error, _NO_CREDENTIALS):
        answer = StsUnavailable("credvend has no credentials of its own. Tell the operators.")
        return StsFailure(answer, "own_credentials", None, milliseconds, error_type=kind)
    return StsFailure(InternalError(), "not_sent", None, milliseconds, error_type=kind)


def unbelievable(problem: str, request_id: str | None, milliseconds: int, error_type: str | None = None) -> StsFailure:
    """STS answered, but not with the whole session that was asked for.

    Args:
        problem: what is wrong with the answer, for the record.
    """
    return StsFailure(StsUnavailable(_STS_PROBLEM), "bad_answer", request_id, milliseconds, error_type, problem)


def not_signed(problem: str, request_id: str | None, milliseconds: int) -> StsFailure:
    """KMS signed no token, so that STS was not asked.

    Args:
        problem: what it answered instead, for the record.
    """
    answer = StsUnavailable("credvend's token for STS could not be signed. Try again in a few seconds.")
    return StsFailure(answer, "not_signed", request_id, milliseconds, problem=problem)


def out_of_time(milliseconds: int) -> StsFailure:
    """So much time has passed that the last call could not be waited for."""
    return StsFailure(OutOfTime(), "out_of_time", None, milliseconds)


def _explain(code: str, message: str, plan: SessionPlan, operation: Operation) -> tuple[Cause, CredvendError]:
    role = plan.role.name
    if code in ("AccessDenied", "AccessDeniedException"):
        return _explain_denied(message, role, operation)
    if operation == "AssumeRoleWithWebIdentity" and code in _TOKEN:
        return _explain_token(code, message, role)
    if code in _THROTTLED:
        return "throttled", StsUnavailable("STS throttles credvend. Try again in a few seconds.")
    if code == "RegionDisabledException":
        return "region_disabled", StsRefused(
            f"STS is not activated for credvend's region in the account of {role}. "
            "An administrator of that account must activate it (IAM, account settings)."
        )
    if code in _OWN_CREDENTIALS and operation == "AssumeRole":  # others are not signed with the function's own
        return "own_credentials", StsUnavailable(
            "credvend's own credentials were refused as expired or invalid. Try again in a few seconds."
        )
    if code == "ValidationError" and "MaxSessionDuration" in message:
        return "max_session_duration", StsRefused(
            f"The duration is longer than the MaxSessionDuration of the IAM role behind {role}. "
            "Ask for less, or have max_duration in the catalog brought in line."
        )
    if code in ("PackedPolicyTooLarge", "PackedPolicyTooLargeException"):
        return "packed_policy_too_large", _too_large(message, role)
    if code in ("MalformedPolicyDocument", "MalformedPolicyDocumentException"):
        return "malformed_policy", _malformed(plan)
    return "refused", StsRefused(f"STS refused the session for {role} ({code}). Tell the operators the request id.")


def _too_large(message: str, role: str) -> InvalidRequest:
    """STS packs policies and tags into a form of its own, of which only it knows the size."""
    percent = _PERCENT.search(message)
    size = f"{percent[1]}% of" if percent else "more than"
    return InvalidRequest(
        f"Session policy and tags for role {role} are, once STS has packed them, {size} what it takes. Send fewer or "
        "shorter tags, params and policy statements; if you sent none, tell the operators."
    )


def _malformed(plan: SessionPlan) -> CredvendError:
    if plan.asked_to_narrow:
        also = (
            f" (or the scoping policy of role {plan.role.name}: tell the operators)"
            if plan.role.session_rules.scoped
            else ""
        )
        return InvalidRequest(
            'STS finds the field "policy" malformed. Look at its actions (service:Action), its resources (ARNs or "*") '
            f"and its condition operators{also}."
        )
    return StsRefused(f"STS finds the scoping policy of role {plan.role.name} malformed. Tell the operators.")


def _explain_token(code: str, message: str, role: str) -> tuple[Cause, CredvendError]:
    """What STS finds wrong with credvend's own token, or with what it is checked by."""
    if code == "IDPCommunicationError" or "verification key" in message:
        return "keys_not_reached", StsUnavailable(
            "STS could not read the keys of credvend's tokens. Try again in a few seconds; if it stays so, tell the "
            "operators."
        )
    if "No OpenIDConnect provider" in message:
        return "no_provider", StsRefused(f"STS knows no tokens of credvend's in the account of {role}: {_PROVIDER}")
    return "token_refused", StsRefused(
        f"STS refused credvend's token for {role} ({code}): {_PROVIDER} Tell the operators the request id."
    )


def _explain_denied(message: str, role: str, operation: Operation) -> tuple[Cause, CredvendError]:
    match = _DENIED_ACTION.search(message)
    action = match[1] if match else operation
    own_role = _own_role(message)
    if operation == "AssumeRole" and "identity-based policy" in message:
        return "own_policy", StsRefused(
            f"The IAM policy of {own_role} does not allow sts:{action} on the role behind {role}. "
            f"The operators must deploy again. {_JUST_CHANGED}"
        )
    if operation != "GetScopedCredentials" and "explicit deny" in message:
        return "explicit_deny", StsRefused(
            f"A policy explicitly denies sts:{action} for {role} to {own_role}: a service or resource control policy, "
            "a permissions boundary or the role's trust policy. Its owner, or an administrator of its organization, "
            f"can tell which. {_JUST_CHANGED}"
        )
    cause, advice = _DENIED[action]
    if operation == "AssumeRoleWithWebIdentity":  # whatever was denied, it is not for credvend's role to be allowed
        advice = _DENIED[operation][1]
    advice = advice.format(own_role=own_role)
    return cause, StsRefused(f"STS denied sts:{action} for {role}. {advice} {_JUST_CHANGED}")


def _own_role(message: str) -> str:
    """credvend's role, as STS knows it: asking for it would be one more call."""
    match = re.search(_OWN_SESSION, message)  # compiled for a refusal, not for each cold start
    return f"credvend's role arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else "credvend's role"
