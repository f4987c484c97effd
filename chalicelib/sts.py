"""STS AssumeRole, and what its refusals mean to a person."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from chalicelib.errors import CredvendError, StsRefused, StsUnavailable
from chalicelib.session_plan import SessionPlan

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

# API Gateway gives up after 29 s. Three attempts of at most 1 s + 3 s, and back-off of at most 1 s + 2 s between
# them, end after 15 s at the worst. Asking twice is harmless: a session whose answer got lost is known to nobody.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 3
ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Credentials:
    """Short-lived credentials. The two secret fields stay out of `repr`, and so out of logs and tracebacks."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime

    def __repr__(self) -> str:
        return f"Credentials(access_key_id={self.access_key_id!r}, expiration={self.expiration.isoformat()!r})"


@dataclass(frozen=True, slots=True)
class Session:
    """The answer of STS.

    Attributes:
        packed_policy_size: percent of what STS allows for policies and tags.
        request_id: the id that STS gave the call.
        milliseconds: time the call took, retries included.
    """

    credentials: Credentials
    assumed_role_id: str
    arn: str
    packed_policy_size: int | None
    source_identity: str | None
    request_id: str
    milliseconds: int


class StsFailure(Exception):
    """AssumeRole failed.

    Attributes:
        answer: what the caller is told.
        cause: short name of the cause, for the audit record.
        request_id: the id that STS gave the call, None where STS was not reached.
        milliseconds: time the call took, retries included.
    """

    def __init__(self, answer: CredvendError, cause: str, request_id: str | None, milliseconds: int) -> None:
        super().__init__(cause)
        self.answer = answer
        self.cause = cause
        self.request_id = request_id
        self.milliseconds = milliseconds


def sts_client(region: str) -> "STSClient":
    """A client of the region's own endpoint; keep it, and the connection stays open between requests."""
    config = Config(
        region_name=region,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
        max_pool_connections=1,
    )
    return boto3.client("sts", config=config)


def assume_role(client: "STSClient", plan: SessionPlan) -> Session:
    """Carry out the plan.

    Raises:
        StsFailure: STS refused or could not be reached; says what to do.
    """
    started = time.monotonic()
    try:
        answer = client.assume_role(**_arguments(plan))
    except ClientError as error:
        request_id = error.response["ResponseMetadata"].get("RequestId")
        raise _failure(error, plan, request_id, _since(started)) from None
    except BotoCoreError as error:
        raise _unreachable(error, _since(started)) from None
    issued = answer["Credentials"]
    return Session(
        credentials=Credentials(
            access_key_id=issued["AccessKeyId"],
            secret_access_key=issued["SecretAccessKey"],
            session_token=issued["SessionToken"],
            expiration=issued["Expiration"],
        ),
        assumed_role_id=answer["AssumedRoleUser"]["AssumedRoleId"],
        arn=answer["AssumedRoleUser"]["Arn"],
        packed_policy_size=answer.get("PackedPolicySize"),
        source_identity=answer.get("SourceIdentity") or plan.source_identity,
        request_id=answer["ResponseMetadata"]["RequestId"],
        milliseconds=_since(started),
    )


def _arguments(plan: SessionPlan) -> "AssumeRoleRequestTypeDef":
    arguments: AssumeRoleRequestTypeDef = {
        "RoleArn": plan.role.arn,
        "RoleSessionName": plan.session_name,
        "DurationSeconds": plan.duration,
    }
    if plan.source_identity is not None:
        arguments["SourceIdentity"] = plan.source_identity
    if plan.tags:
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in plan.tags]
    if plan.role.external_id is not None:
        arguments["ExternalId"] = plan.role.external_id
    return arguments


_DENIED_ACTION = re.compile(r"perform: sts:(AssumeRole|TagSession|SetSourceIdentity)\b")
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
_OWN_CREDENTIALS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
)


def _failure(error: ClientError, plan: SessionPlan, request_id: str | None, milliseconds: int) -> StsFailure:
    code = error.response["Error"].get("Code", "Unknown")
    answer, cause = _explain(code, error.response["Error"].get("Message", ""), plan.role.name)
    if error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
        answer, cause = StsUnavailable("STS has a problem of its own. Try again in a few seconds."), "sts_error"
    return StsFailure(answer, cause, request_id, milliseconds)


def _explain(code: str, message: str, role: str) -> tuple[CredvendError, str]:
    """What to tell the caller, and the cause's name. STS's own words stay inside: they name our role and account."""
    if code == "AccessDenied":
        return _explain_denied(message, role)
    if code in _THROTTLED:
        return StsUnavailable("STS is throttling credvend. Try again in a few seconds."), "throttled"
    if code == "RegionDisabledException":
        return StsRefused(
            "STS is not activated for this region in the role's account. Activate it under IAM, Account settings."
        ), "region_disabled"
    if code in _OWN_CREDENTIALS:
        return StsUnavailable("credvend's own credentials were refused as expired or invalid. Try again in a few seconds."), (
            "own_credentials"
        )
    if code == "ValidationError" and "MaxSessionDuration" in message:
        return StsRefused(
            f"The duration is longer than the MaxSessionDuration of the IAM role behind {role}. Ask for less, "
            "or have max_duration in the catalog brought in line."
        ), "max_session_duration"
    if code == "PackedPolicyTooLarge":
        return StsRefused(f"The session tags for {role} are larger than STS takes."), "packed_policy_too_large"
    return StsRefused(f"STS refused the session for {role} ({code}). Tell the operators the request id."), "refused"


def _explain_denied(message: str, role: str) -> tuple[CredvendError, str]:
    match = _DENIED_ACTION.search(message)
    action = match[1] if match else "AssumeRole"
    if "identity-based policy" in message:
        return StsRefused(
            f"credvend's own IAM policy does not allow sts:{action} on the role behind {role}. The operators must deploy again."
        ), "own_policy"
    if action == "TagSession":
        advice, cause = "allow sts:TagSession to credvend's role, or set tag_session: false in the catalog", "no_tag_session"
    elif action == "SetSourceIdentity":
        advice = "allow sts:SetSourceIdentity to credvend's role, or set source_identity: false in the catalog"
        cause = "no_set_source_identity"
    else:
        advice, cause = "name credvend's role as principal for sts:AssumeRole (with the ExternalId that it demands)", "not_trusted"
    return StsRefused(
        f"STS denied sts:{action} for {role}: the role does not exist, or its trust policy does not let credvend in. "
        f"Its owner must {advice}."
    ), cause


def _unreachable(error: BotoCoreError, milliseconds: int) -> StsFailure:
    if isinstance(error, NoCredentialsError):
        return StsFailure(StsUnavailable("credvend has no credentials of its own."), "own_credentials", None, milliseconds)
    answer = StsUnavailable("STS could not be reached. Try again in a few seconds.")
    return StsFailure(answer, "unreachable", None, milliseconds)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
