"""The call to STS AssumeRole. What its refusals mean to a person is in sts_failures.py."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.aws.client import client_config, session
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts_answer import problem_with
from chalicelib.sessions.sts_failures import not_answered, refused, unbelievable

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef, AssumeRoleResponseTypeDef

# API Gateway gives up after 29 s. Three attempts of at most 1 s + 3 s, and back-off of at most 1 s + 2 s between
# them, end after 15 s at worst. Asking twice is harmless: a session whose answer got lost is known to nobody.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 3
ATTEMPTS: Final = 3
_BACK_OFF_SECONDS: Final = 1 + 2
# Whoever has less time left does not ask: a session would be made that nobody gets, or that no record tells the end of.
WORST_SECONDS: Final = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + _BACK_OFF_SECONDS + 1

# What botocore raises of an answer: no XML, a tag that is not there, text instead of a number or a time (tried).
_UNREADABLE: Final = (ResponseParserError, LookupError, RuntimeError, TypeError, ValueError)


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
        milliseconds: time the call took, retries included.
    """

    credentials: Credentials
    assumed_role_id: str
    arn: str
    packed_policy_size: int | None
    source_identity: str | None
    request_id: str
    milliseconds: int


def sts_client(region: str, connections: int = 1) -> "STSClient":
    """A client of the region's own endpoint; keep it, and the connection stays open between requests.

    Args:
        connections: that are kept; of a client that several threads use at once, as many.
    """
    config = client_config(region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS, connections)
    return cast("STSClient", session().create_client("sts", config=config))


def assume_role(client: "STSClient", plan: SessionPlan) -> Session:
    """Carry out the plan.

    Raises:
        StsFailure: STS refused, could not be reached, or answered with half a session; says what to do.
    """
    started = time.monotonic()
    arguments = _arguments(plan)
    try:
        answer = client.assume_role(**arguments)
    except ClientError as error:
        raise refused(error, plan, _since(started)) from None
    except BotoCoreError as error:
        raise not_answered(error, _since(started)) from None
    except UnicodeEncodeError:  # a ValueError, but nothing was asked
        raise
    except _UNREADABLE as error:
        raise unbelievable("it cannot be read", None, _since(started), type(error).__name__) from None
    return _session(answer, plan, _since(started))


def _session(answer: "AssumeRoleResponseTypeDef", plan: SessionPlan, milliseconds: int) -> Session:
    problem = problem_with(cast(Mapping[str, object], answer), plan, time.time())
    if problem is not None:
        raise unbelievable(problem, answer.get("ResponseMetadata", {}).get("RequestId"), milliseconds)
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
        milliseconds=milliseconds,
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
    if plan.transitive_tags:
        arguments["TransitiveTagKeys"] = list(plan.transitive_tags)
    if plan.policy is not None:
        arguments["Policy"] = plan.policy
    if plan.policy_arns:
        arguments["PolicyArns"] = [{"arn": arn} for arn in plan.policy_arns]
    if plan.role.external_id is not None:
        arguments["ExternalId"] = plan.role.external_id
    return arguments


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
