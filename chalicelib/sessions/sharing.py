"""One session for identical requests of one caller that come within seconds: for fleets that start at once.

STS takes 600 calls a second of an account and region:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. An execution environment answers one request
after the other, so that of a fleet's requests it makes one session for each few seconds. Off unless `share_identical`
is set: sharers cannot be told apart in CloudTrail, nor revoked one by one.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from chalicelib.caching import is_within
from chalicelib.callers.caller import Caller
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Session

_REQUEST_TAG = "credvend:request"


class Shared(NamedTuple):
    """A session that was vended a moment ago.

    Attributes:
        request_id: of the vend that made it, which its tag names.
    """

    request_id: str
    plan: SessionPlan
    session: Session


class _Kept(NamedTuple):
    caller: str
    reason: str | None
    made: float
    shared: Shared


class SharedSessions:
    """The last session of an execution environment. No more than one is kept, for it holds secrets."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.time) -> None:
        """Nothing is shared yet.

        Args:
            seconds: for how long; 0: never.
            clock: seconds since 1970, UTC. Not a monotonic clock: while Lambda freezes a function, those may stand.
        """
        self._seconds = seconds
        self._clock = clock
        self._kept: _Kept | None = None

    def find(self, caller: Caller, request: VendRequest, plan: SessionPlan) -> Shared | None:
        """The session of an identical request, if there was one just now.

        What is good for one vend alone shares with nobody.
        """
        kept = self._kept
        if kept is None or caller.one_use is not None:
            return None
        if not is_within(self._seconds, kept.made, self._clock()):
            self._kept = None
            return None
        is_same = (kept.caller, kept.reason) == (caller.identifier, request.reason)
        return kept.shared if is_same and _anonymous(kept.shared.plan) == _anonymous(plan) else None

    def keep(self, request_id: str, caller: Caller, request: VendRequest, plan: SessionPlan, session: Session) -> None:
        """Share a session from now on that was vended."""
        if self._seconds and caller.one_use is None and not plan.is_lease:  # that may end before the other has it
            shared = Shared(request_id, plan, session)
            self._kept = _Kept(caller.identifier, request.reason, self._clock(), shared)

    def forget(self) -> None:
        """Share no session that was vended so far."""
        self._kept = None


def _anonymous(plan: SessionPlan) -> SessionPlan:
    """A plan without the id of its request."""
    return plan._replace(tags=tuple((key, value) for key, value in plan.tags if key != _REQUEST_TAG))
