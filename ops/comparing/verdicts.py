"""What one side answers to a request: the service's own decision (ops/deciding/deciding.py)."""

from dataclasses import replace
from typing import NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.errors import CredvendError, InvalidToken
from chalicelib.sessions.plan import SessionPlan
from ops.comparing.sides import Side
from ops.deciding.deciding import Asking, Outcome, decide, refused
from ops.deciding.described import Described, NotDescribed, outcome_of
from ops.explaining.words import answer


class Verdict(NamedTuple):
    """An answer.

    Attributes:
        allowed: policies let the caller in; of what was really asked, or is tested, that STS would be asked, too.
        words: the same, and by which policies.
        plan: of the session; None where it is refused.
    """

    allowed: bool
    words: str
    plan: SessionPlan | None = None


class Judge:
    """Asks one side."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._issuers = {issuer.name: issuer for issuer in side.written.issuers}

    def policies_say(self, asking: Asking) -> Verdict:
        """Whether policies allow it. That a made-up request lacks a param that its role wants does not matter."""
        outcome = self._outcome(asking)
        decided = outcome.decided
        allowed = decided is not None and decided.role is not None and decided.decision.allowed
        named = ", ".join(outcome.policies)
        return Verdict(allowed, f"Allowed by {named}." if allowed else answer(outcome), outcome.plan)

    def answers(self, asking: Asking) -> Verdict:
        """What the caller would be answered."""
        return _verdict(self._outcome(asking))

    def answers_described(self, described: Described) -> Verdict:
        """The same, of a request that somebody has described: each side reads its token by its own issuers.yaml."""
        try:
            return _verdict(outcome_of(self.side.configuration, described))
        except NotDescribed as error:
            return Verdict(False, f"Refused: {error}.")

    def _outcome(self, asking: Asking) -> Outcome:
        caller = self._seen(asking.caller)
        if isinstance(caller, CredvendError):
            return refused(caller)
        return decide(self.side.configuration, asking._replace(caller=caller))

    def _seen(self, caller: Caller) -> Caller | CredvendError:
        """The caller as this side makes it of its token: with the claims and groups that its issuers.yaml names."""
        if not isinstance(caller, OidcSubject):
            return caller
        issuer = self._issuers.get(caller.issuer)
        if issuer is None:
            return InvalidToken(f"No trusted issuer is called {caller.issuer}.", "unknown_issuer")
        return _as_told(caller, issuer)


def _as_told(caller: OidcSubject, issuer: Issuer) -> OidcSubject:
    named = dict(issuer.claims)
    groups = () if issuer.groups_claim is None else caller.groups
    claims = tuple((name, value) for name, value in caller.claims if name in named)
    same = (groups, claims) == (caller.groups, caller.claims)
    return caller if same else replace(caller, groups=groups, claims=claims)


def _verdict(outcome: Outcome) -> Verdict:
    return Verdict(outcome.allowed, answer(outcome), outcome.plan)
