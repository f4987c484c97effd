"""A lease that AWS makes of a session: the same identity for less time, or with fewer rights. The service is not asked.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from credvend import lean
from credvend.errors import (
    AccessDeniedError,
    AuthenticationError,
    CredvendError,
    ServiceError,
    UsageError,
    one_line,
)
from credvend.own_session import own_role
from credvend.text.messages import progress
from credvend.text.moments import moment_text
from credvend.time_limit import LONGEST, within
from credvend.vending.credentials import Credentials, parse_credentials
from credvend.vending.policy import parse_policy

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from botocore.exceptions import ClientError

# Characters of a description: ScopedSessionDescription.
_SHORTEST_DESCRIPTION = 2
_LONGEST_DESCRIPTION = 256
_NO_SESSION = (
    'There is no session here to make a lease of: eval "$(credvend get ROLE --format env)", or run this by '
    "`credvend exec`."
)
_THROUGH_CREDVEND = (
    "The profile's credentials come from the service, which makes leases itself: `credvend exec --duration 60s "
    "--policy FILE ROLE -- ...`."
)
_OLD = "It takes botocore 1.44.8 or newer: pip install --upgrade botocore."
# What to do about what STS says no to, by its codes.
_WRONG = {
    "InsufficientSessionLifetime": "The session has less time left: ask for a shorter --duration, or leave it out.",
    "MalformedPolicyDocument": "AWS does not take the policy: is it an IAM policy, without a principal?",
    "PackedPolicyTooLarge": "The policy is too long, with the session's own and its tags: make it shorter.",
    "ValidationError": "AWS does not take the request.",
}
_NOT_PROVED = {
    "ExpiredToken": "The session has ended: get a new one.",
    "InvalidSubjectCredentials": "AWS takes no credentials but those of a session that lives.",
    "InvalidClientTokenId": "AWS does not know the session's key: get a new one.",
}
_DENIED = (
    "The role, and each policy that narrows its sessions, must allow sts:GetScopedCredentials; and no session is "
    "narrowed by more than three policies, one on another."
)


@dataclass(frozen=True)
class Narrowing:
    """What a lease is to be.

    Attributes:
        duration: seconds; None: until the session ends.
        policy: an IAM policy document, as JSON; None: none besides the session's.
        reason: a description, which CloudTrail shows.
    """

    duration: int | None = None
    policy: str | None = None
    reason: str | None = None

    def parameters(self) -> dict[str, Any]:
        """As STS takes them: characters of the policy are counted there, and others than Latin-1's are not taken.

        Raises:
            UsageError: nothing would be narrowed, or it will not do.
        """
        if self.duration is None and self.policy is None:
            raise UsageError("Say what is to be less: --duration, or --policy, or both.")
        if self.duration == 0:
            raise UsageError("A lease lasts for a second at least.")
        asked: dict[str, Any] = {}
        if self.duration is not None:
            asked["DurationSeconds"] = self.duration
        if self.policy is not None:
            asked["Policy"] = json.dumps(parse_policy(self.policy), separators=(",", ":"))
        if self.reason is not None:
            reason = one_line(self.reason)
            if not _SHORTEST_DESCRIPTION <= len(reason) <= _LONGEST_DESCRIPTION:
                raise UsageError("A reason has 2 to 256 characters here: CloudTrail shows it as a description.")
            asked["ScopedSessionDescription"] = reason.encode("latin-1", "replace").decode("latin-1")
        return asked


@within(LONGEST)
def narrow(narrowing: Narrowing, region: str, environ: Mapping[str, str]) -> Credentials:
    """A lease of the session that this process has.

    Args:
        region: whose STS is asked; the global endpoint makes no leases.

    Raises:
        UsageError: there is no session, or the lease is none that AWS would make of it.
        AuthenticationError: the session has ended.
        AccessDeniedError: the session's policies do not allow it.
        ServiceError: STS cannot be reached, or failed.
    """
    parameters = narrowing.parameters()
    keys = _session_keys(region)
    with progress("asking AWS"):
        answer = _ask(parameters, keys, region)
    try:
        given, told = answer["Credentials"], answer["SessionInfo"]
        return parse_credentials(
            {
                "Credentials": {**given, "Expiration": moment_text(given["Expiration"])},
                "AssumedRoleUser": {"AssumedRoleId": told["ScopedSessionId"], "Arn": told["Arn"]},
                **({"SourceIdentity": answer["SourceIdentity"]} if answer.get("SourceIdentity") else {}),
            },
            own_role(environ),
        )
    except (KeyError, TypeError, AttributeError, ServiceError):
        raise ServiceError("AWS's answer holds no credentials of a role's session.") from None


def _session_keys(region: str) -> ReadOnlyCredentials:
    try:
        from credvend.auth.aws_credentials import aws_credentials

        signing = aws_credentials(None, region)
    except ImportError:
        raise UsageError(f"To make a lease takes botocore. {_OLD}") from None
    except AuthenticationError as error:
        raise (UsageError(_THROUGH_CREDVEND) if lean.ITSELF in error.message else error) from None
    if signing is None:
        raise UsageError(_NO_SESSION)
    if not signing.keys.token:
        raise UsageError(
            f"The credentials of {signing.found_in} are long-lived keys, and AWS makes leases of sessions alone: "
            "unset them, and get a role's."
        )
    return signing.keys


def _ask(parameters: Mapping[str, Any], keys: ReadOnlyCredentials, region: str) -> Mapping[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from credvend.auth.aws_credentials import aws_session

    try:
        session = aws_session()
        session.set_config_variable("sts_regional_endpoints", "regional")
        client = session.create_client(
            "sts",
            region_name=region,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
        )
        if not hasattr(client, "get_scoped_credentials"):
            raise UsageError(_OLD)
        answer: Mapping[str, Any] = client.get_scoped_credentials(**parameters)
        return answer
    except ClientError as error:
        raise _refusal(error) from None
    except ResponseParserError:  # which has the answer in it
        raise ServiceError("AWS's STS cannot be asked: something between here and there answers for it.") from None
    except (BotoCoreError, ValueError) as error:
        raise ServiceError(f"AWS's STS cannot be asked: {error}") from None


def _refusal(error: ClientError) -> CredvendError:
    code, said = (str(error.response.get("Error", {}).get(name, ""))[:300] for name in ("Code", "Message"))
    told = f"AWS refuses GetScopedCredentials: {said.rstrip('.')} ({code})."
    if code in _WRONG:
        return UsageError(f"{told} {_WRONG[code]}")
    if code in _NOT_PROVED:
        return AuthenticationError(f"{told} {_NOT_PROVED[code]}")
    if code.startswith("AccessDenied"):
        return AccessDeniedError(f"{told} {_DENIED}")
    return ServiceError(told)
