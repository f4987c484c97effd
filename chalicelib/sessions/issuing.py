"""Where sessions come from. A plan is the same whichever way it is carried out; the role says which that is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from chalicelib.errors import SignsNothing
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import CONNECT_SECONDS, READ_SECONDS, Session, assume_role
from chalicelib.sessions.sts import WORST_SECONDS as _ASSUME_ROLE_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

    from chalicelib.signing.issuer_url import Api
    from chalicelib.signing.keys import KeyRing

# AssumeRole that leaves time for one more call: with at most 1 s between them, two attempts end after 9 s.
FEWER_ATTEMPTS: Final = 2
_FEWER_SECONDS: Final = FEWER_ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + 1
# STS reads the keys of a token it does not know yet, and gives that 5 s:
# https://repost.aws/knowledge-center/iam-sts-invalididentitytoken. Meanwhile another execution environment may start.
TOKEN_READ_SECONDS: Final = 5
TOKEN_ATTEMPTS: Final = 2
_RECORD_SECONDS: Final = 1


class Occasion(NamedTuple):
    """What a session is issued on.

    Attributes:
        description: for CloudTrail, where that shows one.
        seconds_left: until the function's time is over.
        api: that the request came through; None: through none.
    """

    description: str
    seconds_left: Callable[[], float]
    api: "Api | None" = None


class Issuance(Protocol):
    """One way to carry out a plan of at least 15 minutes."""

    @property
    def worst_seconds(self) -> float:
        """Seconds that it takes at worst, until the answer is recorded."""

    def issue(self, plan: SessionPlan, occasion: Occasion) -> Session:
        """Carry it out.

        Raises:
            StsFailure: there is no session; says what to do.
        """


class ByAssumeRole(NamedTuple):
    """As the role that the function has.

    Attributes:
        worst_seconds: by how often the client tries.
    """

    client: "STSClient"
    worst_seconds: float = _ASSUME_ROLE_SECONDS

    def issue(self, plan: SessionPlan, occasion: Occasion) -> Session:
        return assume_role(self.client, plan)


class ByWebIdentity(NamedTuple):
    """With a token of credvend's own.

    Attributes:
        client: called for each session.
        signing: the issuer of the token, by the API that the request came through, and its keys; raises `SignsNothing`.
        attempts: of the client.
    """

    client: "Callable[[], STSClient]"
    signing: "Callable[[Api | None], tuple[str, KeyRing]]"
    attempts: int

    @property
    def _sts_seconds(self) -> float:
        """From the question to the record of the answer. Between two attempts is at most 1 s."""
        return self.attempts * (CONNECT_SECONDS + TOKEN_READ_SECONDS) + self.attempts - 1 + _RECORD_SECONDS

    @property
    def worst_seconds(self) -> float:
        from chalicelib.signing.keys import WORST_SECONDS

        return WORST_SECONDS + self._sts_seconds

    def issue(self, plan: SessionPlan, occasion: Occasion) -> Session:
        from chalicelib.sessions.sts_failures import not_signed
        from chalicelib.sessions.web_identity import assume_role_with_token

        try:
            issuer, keys = self.signing(occasion.api)
        except SignsNothing:
            raise not_signed("the stage has no key, or no issuer: deploy again", None, 0) from None

        def has_time() -> bool:
            return occasion.seconds_left() >= self._sts_seconds

        return assume_role_with_token(self.client, keys, issuer, plan, has_time)


class Issuing(NamedTuple):
    """Every way there is.

    Attributes:
        otherwise: what carries out a plan that AssumeRole alone does not, made for the first; told whether with a
            token, and whether a lease is to come of it.
        lease_client: by which leases are made; made for the first.
    """

    by_assume_role: ByAssumeRole
    otherwise: Callable[[bool, bool], Issuance]
    lease_client: Callable[[], object]

    def worst_seconds(self, plan: SessionPlan) -> float:
        """Seconds that the plan takes at worst, until the answer is recorded."""
        way = self._way(plan).worst_seconds
        if not plan.is_lease:
            return way
        from chalicelib.sessions.leases import WORST_SECONDS

        return way + WORST_SECONDS

    def issue(self, plan: SessionPlan, occasion: Occasion) -> Session:
        """Carry out a plan.

        Raises:
            StsFailure: there is no session; says what to do.
        """
        way = self._way(plan)
        if not plan.is_lease:
            return way.issue(plan, occasion)
        from chalicelib.sessions.leases import WORST_SECONDS, session_before, shorten
        from chalicelib.sessions.sts_failures import StsFailure, out_of_time

        session = way.issue(session_before(plan), occasion)
        try:
            if occasion.seconds_left() < WORST_SECONDS + _RECORD_SECONDS:
                raise out_of_time(session.milliseconds)
            return shorten(self.lease_client(), session, plan, occasion.description)
        except StsFailure as error:
            error.access_key_id = session.credentials.access_key_id
            raise

    def _way(self, plan: SessionPlan) -> Issuance:
        if plan.is_lease or plan.role.by_web_identity:
            return self.otherwise(plan.role.by_web_identity, plan.is_lease)
        return self.by_assume_role


def before_lease(client: "STSClient") -> ByAssumeRole:
    """AssumeRole that leaves time for one more call.

    Args:
        client: that tries `FEWER_ATTEMPTS` times.
    """
    return ByAssumeRole(client, _FEWER_SECONDS + _RECORD_SECONDS)
