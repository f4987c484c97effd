"""How STS is asked for a session: by AssumeRole. What its refusals mean to a person is in sts_failures.py."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.answers import UNREADABLE, code_of, request_id_of
from chalicelib.aws.client import client_config, session
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts_answer import problem_with
from chalicelib.sessions.sts_failures import Operation, not_answered, refused, unbelievable

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

# API Gateway gives up after 29 s. Three attempts of at most 1 s + 3 s, and back-off of at most 1 s + 2 s between
# them, end after 15 s at worst. Asking twice is harmless: a session whose answer got lost is known to nobody.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 3
ATTEMPTS: Final = 3
_BACK_OFF_SECONDS: Final = 1 + 2
# Whoever has less time left does not ask: a session would be made that nobody gets, or that no record tells the end of.
WORST_SECONDS: Final = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + _BACK_OFF_SECONDS + 1

IssuedBy = Literal["assume_role", "web_identity"]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Short-lived credentials. The two secret fields stay out of `repr`, and so out of logs and tracebacks."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime

    def __repr__(self) -> str:
        return f"Credentials(access_key_id={self.access_key_id!r}, expiration={self.expiration.isoformat()!r})"


class Session(NamedTuple):
    """The answer of STS.

    Attributes:
        packed_policy_size: percent of what STS allows for policies and tags.
        request_id: the id that STS gave the call.
        milliseconds: time that all calls took, retries included.
        issued_by: how it was made.
        signing_key: id of the key that its token was signed with; None: it has none.
        scoped_request_id: of a lease, the id that STS gave the call that shortened it.
    """

    credentials: Credentials
    assumed_role_id: str
    arn: str
    packed_policy_size: int | None
    source_identity: str | None
    request_id: str
    milliseconds: int
    issued_by: IssuedBy = "assume_role"
    signing_key: str | None = None
    scoped_request_id: str | None = None


def sts_client(
    region: str, connections: int = 1, attempts: int = ATTEMPTS, read_seconds: float | None = None
) -> "STSClient":
    """A client of the region's own endpoint; keep it, and the connection stays open between requests.

    Args:
        connections: that are kept; of a client that several threads use at once, as many.
        attempts: in all.
        read_seconds: for the answer, of each attempt; None: `READ_SECONDS`.
    """
    config = client_config(region, CONNECT_SECONDS, read_seconds or READ_SECONDS, attempts, connections)
    return cast("STSClient", session().create_client("sts", config=config))


def assume_role(client: "STSClient", plan: SessionPlan) -> Session:
    """Carry out the plan.

    Raises:
        StsFailure: STS refused, could not be reached, or answered with half a session; says what to do.
    """
    arguments = _arguments(plan)
    answer, milliseconds = answered(lambda: client.assume_role(**arguments), plan, "AssumeRole")
    return read_session(cast(Mapping[str, Any], answer), plan, milliseconds)


def answered(ask: Callable[[], _Answer], plan: SessionPlan, operation: Operation) -> tuple[_Answer, int]:
    """What STS answers, and after how many milliseconds, retries included.

    Raises:
        StsFailure: it refused, could not be reached, or answered what cannot be read.
    """
    started = time.monotonic()
    try:
        return ask(), milliseconds_since(started)
    except ClientError as error:
        raise refused(error, plan, operation, milliseconds_since(started)) from None
    except BotoCoreError as error:
        raise not_answered(error, milliseconds_since(started)) from None
    except UnicodeEncodeError:  # a ValueError, but nothing was asked
        raise
    except UNREADABLE as error:
        raise unbelievable("it cannot be read", None, milliseconds_since(started), code_of(error)) from None


def read_session(answer: Mapping[str, Any], plan: SessionPlan, milliseconds: int) -> Session:
    """The session of an answer to AssumeRole, or to AssumeRoleWithWebIdentity.

    Raises:
        StsFailure: it is not all that was asked for.
    """
    problem = problem_with(answer, plan, time.time())
    if problem is not None:
        raise unbelievable(problem, request_id_of(answer), milliseconds)
    issued = answer["Credentials"]
    return Session(
        credentials=read_credentials(issued),
        assumed_role_id=answer["AssumedRoleUser"]["AssumedRoleId"],
        arn=answer["AssumedRoleUser"]["Arn"],
        packed_policy_size=answer.get("PackedPolicySize"),
        source_identity=answer.get("SourceIdentity") or plan.source_identity,
        request_id=answer["ResponseMetadata"]["RequestId"],
        milliseconds=milliseconds,
    )


def read_credentials(issued: Mapping[str, Any]) -> Credentials:
    """The credentials of an answer that nothing is wrong with."""
    return Credentials(
        access_key_id=issued["AccessKeyId"],
        secret_access_key=issued["SecretAccessKey"],
        session_token=issued["SessionToken"],
        expiration=issued["Expiration"],
    )


def common_arguments(plan: SessionPlan) -> "AssumeRoleRequestTypeDef":
    """What AssumeRole and AssumeRoleWithWebIdentity are both asked with."""
    arguments: AssumeRoleRequestTypeDef = {
        "RoleArn": plan.role.arn,
        "RoleSessionName": plan.session_name,
        "DurationSeconds": plan.duration,
    }
    if plan.policy is not None:
        arguments["Policy"] = plan.policy
    if plan.policy_arns:
        arguments["PolicyArns"] = [{"arn": arn} for arn in plan.policy_arns]
    return arguments


def _arguments(plan: SessionPlan) -> "AssumeRoleRequestTypeDef":
    arguments = common_arguments(plan)
    if plan.source_identity is not None:
        arguments["SourceIdentity"] = plan.source_identity
    if plan.tags:
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in plan.tags]
    if plan.transitive_tags:
        arguments["TransitiveTagKeys"] = list(plan.transitive_tags)
    if plan.role.external_id is not None:
        arguments["ExternalId"] = plan.role.external_id
    return arguments


def milliseconds_since(started: float) -> int:
    """What has passed since a moment of the monotonic clock, which is in seconds."""
    return round((time.monotonic() - started) * 1000)
