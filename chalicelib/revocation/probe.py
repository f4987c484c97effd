"""Is a revocation in force? A session that is none of anybody's, and that the policy denies by its tag, asks until it
is refused.

Its tag stands among the request ids of the policy, and changes with whatever the policy says: once it is refused, the
very policy has arrived that denies the others. Another session, with a tag that no policy denies, must be let in
before: else the role may not do what it is asked to, and a refusal would prove nothing.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.aws.answers import code_of
from chalicelib.aws.client import Keys, client_config, client_with
from chalicelib.aws.policy_document import VERSION
from chalicelib.aws.probes import PROBES
from chalicelib.roles.role import Role

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

# "Changes take effect within seconds" as a rule; others measured about 4 s.
PROBE_SECONDS: Final = 15
PAUSE_SECONDS: Final = 0.5
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 3
ATTEMPTS: Final = 2
_SESSION_SECONDS: Final = 900
# No request id, and none of the ids that policies name for probes.
_CONTROL: Final = "probe-control"
_TROUBLE: Final = (BotoCoreError, ResponseParserError)


class NotAsked(Exception):
    """No session of the role could be had, or it could not ask.

    Attributes:
        problem: why, and what to do; cause: the same in a word.
    """

    def __init__(self, problem: str, cause: str) -> None:
        super().__init__(problem)
        self.problem, self.cause = problem, cause


class Proof(NamedTuple):
    """What came of asking.

    Attributes:
        refused: the policy is in force.
        problem, cause: why that is not known.
    """

    refused: bool
    problem: str | None = None
    cause: str | None = None


class Sessions(Protocol):
    """Where sessions of roles come from that ask."""

    def open(self, role: Role, request_id: str) -> Callable[[], bool]:
        """A session with this value of the tag `credvend:request`. Called, it asks: whether it is let in.

        Raises:
            NotAsked: now, or when it asks.
        """


def prove(
    role: Role,
    probe_id: str,
    sessions: Sessions,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Proof:
    """Ask until the policy that names `probe_id` is in force, or for so long that it is given up.

    First the other session, until it is let in: that of the tag is issued after it, so that what refuses it is no
    denial by time, which an older policy may hold as well, up to a moment that is still to come.
    """
    ends = clock() + PROBE_SECONDS

    def is_over() -> bool:
        if clock() + PAUSE_SECONDS > ends:
            return True
        sleep(PAUSE_SECONDS)
        return False

    try:
        while not sessions.open(role, _CONTROL)():
            if is_over():
                return Proof(
                    False,
                    f"{role.arn} may not do {role.probe}, revoked or not: allow it, or name another `probe` in "
                    "roles.yaml; unless all sessions are denied that are issued until a moment to come.",
                    "probe_not_allowed",
                )
        ask = sessions.open(role, probe_id)
        while ask():
            if is_over():
                return Proof(
                    False,
                    f"Sessions were still let in {PROBE_SECONDS} s after the policy was written. It is asked again.",
                    "still_let_in",
                )
        return Proof(True)
    except NotAsked as error:
        return Proof(False, error.problem, error.cause)


class RoleSessions:
    """Sessions from STS, with a session policy that lets them do nothing but the probe."""

    def __init__(self, region: str, request_id: str) -> None:
        """Nothing is asked yet.

        Args:
            request_id: of this invocation; CloudTrail shows it.
        """
        self._region = region
        self._name = f"credvend-probe-{request_id}"[:64]
        # botocore's session makes one client at a time: https://docs.aws.amazon.com/boto3/latest/guide/clients.html
        self._one_at_a_time = threading.Lock()

    def open(self, role: Role, request_id: str) -> Callable[[], bool]:
        """As `Sessions` says."""
        assert role.probe is not None  # noqa: S101 only roles with a probe are asked about
        probe = PROBES[role.probe]
        client = cast(Any, self._client(probe.service, self._keys(role, request_id)))

        def is_let_in() -> bool:
            try:
                getattr(client, probe.method)(**probe.arguments)
            except ClientError as error:
                code = code_of(error)
                if code in probe.refusals:
                    return False
                raise NotAsked(f"AWS answered {role.probe} with {code}.", "probe_failed") from None
            except _TROUBLE as error:
                raise NotAsked(f"{role.probe} could not be asked ({type(error).__name__}).", "probe_failed") from None
            return True

        return is_let_in

    def _keys(self, role: Role, request_id: str) -> Keys:
        client = cast("STSClient", self._client("sts", None))
        statement = {"Effect": "Allow", "Action": role.probe, "Resource": "*"}
        arguments: AssumeRoleRequestTypeDef = {
            "RoleArn": role.arn,
            "RoleSessionName": self._name,
            "DurationSeconds": _SESSION_SECONDS,
            "Tags": [{"Key": "credvend:request", "Value": request_id}],
            "Policy": json.dumps({"Version": VERSION, "Statement": [statement]}),
        }
        if role.external_id is not None:
            arguments["ExternalId"] = role.external_id
        try:
            given = client.assume_role(**arguments)["Credentials"]
        except ClientError as error:
            raise NotAsked(
                f"{role.arn} does not let credvend's revoker in ({code_of(error)}): its trust policy must allow "
                "sts:AssumeRole and sts:TagSession to the revoker's role. See docs/sessions.md.",
                "probe_not_trusted",
            ) from None
        except _TROUBLE as error:
            raise NotAsked(f"STS could not be asked ({type(error).__name__}).", "probe_failed") from None
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def _client(self, service: str, keys: Keys | None) -> object:
        config = client_config(self._region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS)
        with self._one_at_a_time:
            return client_with(service, config, keys)
