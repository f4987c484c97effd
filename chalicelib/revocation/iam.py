"""The inline policies of roles, in this account and in others, and what IAM's refusals mean to a person."""

import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.aws.answers import code_of
from chalicelib.aws.client import Keys, client_config, client_with
from chalicelib.revocation.policy import MAXIMUM_CHARACTERS, POLICY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sts import STSClient

# IAM answers writes within a second as a rule, and is asked twice again where it throttles. A role is three calls, and
# one for each inline policy that others have put there.
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 5
ATTEMPTS: Final = 3
# Short: it writes policies of roles, as often as it is made anew.
_OPERATOR_SECONDS: Final = 900

_THROTTLED: Final = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)
_IN_THE_WAY: Final = frozenset({"ConcurrentModification", "ConcurrentModificationException"})
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_GONE: Final = frozenset({"NoSuchEntity", "NoSuchEntityException"})
_FULL: Final = frozenset({"LimitExceeded", "LimitExceededException"})


class NotWritten(Exception):
    """A role's policy could not be written.

    Attributes:
        problem: why, and what to do.
        cause: the same in a word, for the record.
        passes: trying again may help.
    """

    def __init__(self, problem: str, cause: str, *, passes: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.cause, self.passes = problem, cause, passes


class PolicyFull(Exception):
    """IAM counts more than was counted here: the role's inline policies have no room for this one."""


class InlinePolicies(Protocol):
    """The inline policies of roles."""

    def room(self, role_arn: str) -> int:
        """Characters that a role's other inline policies leave to ours.

        Raises:
            NotWritten: IAM does not say.
        """

    def put(self, role_arn: str, document: str) -> None:
        """Write ours.

        Raises:
            PolicyFull: there is no room for it.
            NotWritten: IAM did not take it, or not that anybody knew.
        """

    def delete(self, role_arn: str) -> None:
        """Take ours off, if it is there.

        Raises:
            NotWritten: IAM did not do it, or not that anybody knew.
        """

    def current(self, role_arn: str) -> Mapping[str, object] | None:
        """Ours as it stands, or None.

        Raises:
            NotWritten: IAM does not say.
        """


class Iam:
    """IAM's API: of the function's own account, and through the operator role of others."""

    def __init__(self, region: str, function_arn: str, operator_role: str | None, request_id: str) -> None:
        """Nothing is asked yet.

        Args:
            function_arn: of this function, whose account is its own.
            operator_role: path and name of the role, in each other account, by which policies are written there.
            request_id: of this invocation; CloudTrail shows it in the other account.
        """
        self._region, self._operator_role, self._request_id = region, operator_role, request_id
        self._account = function_arn.split(":")[4]
        self._clients: dict[str, IAMClient] = {}

    def room(self, role_arn: str) -> int:
        """As `InlinePolicies` says."""
        with _told(role_arn):
            client, role = self._client(role_arn), _name(role_arn)
            names = [name for name in _policy_names(client, role) if name != POLICY_NAME]
            documents = [client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
        return MAXIMUM_CHARACTERS - sum(map(characters, documents))

    def put(self, role_arn: str, document: str) -> None:
        """As `InlinePolicies` says."""
        with _told(role_arn):
            client = self._client(role_arn)
            try:
                client.put_role_policy(RoleName=_name(role_arn), PolicyName=POLICY_NAME, PolicyDocument=document)
            except ClientError as error:
                if code_of(error) in _FULL:
                    raise PolicyFull from None
                raise

    def delete(self, role_arn: str) -> None:
        """As `InlinePolicies` says."""
        with _told(role_arn):
            client = self._client(role_arn)
            try:
                client.delete_role_policy(RoleName=_name(role_arn), PolicyName=POLICY_NAME)
            except ClientError as error:
                if code_of(error) not in _GONE:  # the policy is not there, or the role
                    raise

    def current(self, role_arn: str) -> Mapping[str, object] | None:
        """As `InlinePolicies` says."""
        with _told(role_arn):
            client = self._client(role_arn)
            try:
                found = client.get_role_policy(RoleName=_name(role_arn), PolicyName=POLICY_NAME)
            except ClientError as error:
                if code_of(error) in _GONE:
                    return None
                raise
        return cast(Mapping[str, object], found["PolicyDocument"])

    def _client(self, role_arn: str) -> "IAMClient":
        """A client that may write there. One that was made stays for as long as the invocation."""
        partition, account = role_arn.split(":")[1], role_arn.split(":")[4]
        if account not in self._clients:
            keys = None if account == self._account else self._operator(partition, account)
            config = client_config(self._region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS)
            self._clients[account] = cast("IAMClient", client_with("iam", config, keys))
        return self._clients[account]

    def _operator(self, partition: str, account: str) -> Keys:
        if self._operator_role is None:
            raise NotWritten(
                f"The role is in account {account}, and credvend is told no role to change it by: set `operator_role` "
                "in sessions.yaml, make that role there, and ask again. See docs/sessions.md.",
                "no_operator_role",
            )
        arn = f"arn:{partition}:iam::{account}:role/{self._operator_role}"
        config = client_config(self._region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS)
        client = cast("STSClient", client_with("sts", config, None))
        # Both tell, in that account's CloudTrail, which invocation of the revoker it was.
        name = f"credvend-revoker-{self._request_id}"[:64]
        try:
            given = client.assume_role(
                RoleArn=arn, RoleSessionName=name, SourceIdentity=name, DurationSeconds=_OPERATOR_SECONDS
            )["Credentials"]
        except ClientError as error:
            if code_of(error) in _DENIED:
                raise NotWritten(
                    f"{arn} does not let credvend's revoker in, or is not there: its trust policy must allow "
                    "sts:AssumeRole and sts:SetSourceIdentity to the revoker's role. Then ask again. "
                    "See docs/sessions.md.",
                    "operator_role_denied",
                ) from None
            raise
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def _policy_names(client: "IAMClient", role: str) -> "Iterator[str]":
    # Not by botocore's paginator, whose data are not in the package.
    answer = client.list_role_policies(RoleName=role)
    yield from answer["PolicyNames"]
    while answer.get("IsTruncated"):
        answer = client.list_role_policies(RoleName=role, Marker=answer["Marker"])
        yield from answer["PolicyNames"]


# Makes the API for an invocation, of which function ARN and request id are known only then.
IamOf = Callable[[str, str], InlinePolicies]


def characters(document: object) -> int:
    """The size of a policy document as IAM counts it: without white space."""
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return len("".join(text.split()))


@contextmanager
def _told(role_arn: str) -> "Iterator[None]":
    """What AWS answers other than success, in words that say what to do.

    Raises:
        NotWritten: always for errors of AWS, and of the way there.
    """
    try:
        yield
    except ClientError as error:
        raise _not_written(role_arn, code_of(error)) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise NotWritten(
            f"IAM could not be reached, or did not answer in time ({type(error).__name__}). It is tried again; if this "
            "stays, ask again once AWS's health page shows IAM well.",
            "unreachable",
            passes=True,
        ) from None


def _not_written(role_arn: str, code: str) -> NotWritten:
    if code in _GONE:
        return NotWritten(
            f"The role {role_arn} is not there any more: nothing is left to revoke, as its sessions have lost all "
            "rights with it. If it was made again under its name, ask again.",
            "role_gone",
        )
    if code in _DENIED:
        return NotWritten(
            f"credvend's revoker may not change the inline policies of {role_arn}: a control policy, a permissions "
            "boundary or the operator role does not let it (iam:PutRolePolicy, DeleteRolePolicy, GetRolePolicy and "
            "ListRolePolicies), or the catalog that is deployed does not hold the role. Then ask again. "
            "See docs/sessions.md.",
            "access_denied",
        )
    if code in ("UnmodifiableEntity", "UnmodifiableEntityException"):
        return NotWritten(
            f"AWS lets nobody but itself change {role_arn}: it is a role of a service, or of IAM Identity Center. Its "
            "sessions cannot be revoked here.",
            "unmodifiable",
        )
    if code in _THROTTLED | _IN_THE_WAY:
        return NotWritten(
            f"IAM asks to slow down, or others change the role ({code}). It is tried again; if this stays, ask again.",
            "throttled",
            passes=True,
        )
    return NotWritten(
        f"IAM answered {code}. It is tried again; if this stays, look into the revoker's log, and ask again.",
        "iam_error",
        passes=True,
    )


def _name(role_arn: str) -> str:
    """IAM's API names roles without their paths."""
    return role_arn.rpartition("/")[2]
