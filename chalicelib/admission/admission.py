"""May this vend go on, now that policy allows it? And what is written of it before and after STS is asked."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from chalicelib.callers.caller import Caller
    from chalicelib.sessions.asked import VendRequest
    from chalicelib.sessions.plan import SessionPlan
    from chalicelib.sessions.sts import Session


class Asked(NamedTuple):
    """What is to be admitted.

    Attributes:
        session: id of the request.
        shared_with: of the request whose session it gets, if it shares one.
    """

    session: str
    caller: "Caller"
    request: "VendRequest"
    plan: "SessionPlan"
    shared_with: str | None = None


class SharedRevoked(Exception):
    """The session that was to be shared is to end, or is not known to have been vended. Nothing was written."""


class Admitted(NamedTuple):
    """What was written of a vend.

    Attributes:
        session: id of the request.
        expires: the latest that the session can end, in seconds since 1970, UTC.
        live_in: the sets of quotas that it is counted in.
    """

    session: str
    expires: int
    live_in: tuple[str, ...] = ()


class Admission(Protocol):
    """Two implementations: with a ledger, and without."""

    def worst_seconds(self, caller: "Caller") -> float:
        """Seconds that all that is asked and written takes at worst, STS not counted."""

    def admit(self, asked: Asked) -> Admitted:
        """The last step before the request is recorded, and STS is asked.

        Raises:
            CredvendError: it may not go on; nothing is vended.
            SharedRevoked: it may not go on with that session.
        """

    def vended(self, admitted: Admitted, given: "Session") -> None:
        """Record what STS has given, before it is handed out.

        Raises:
            CredvendError: that is not possible; nothing is handed out.
        """

    def failed(self, admitted: Admitted, cause: str) -> None:
        """Note that nothing was handed out, if that can be."""
