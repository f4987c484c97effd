"""What would the service answer? Its own decision and plan, without AWS. There is no second engine.

Blocks, quotas, tokens that vend once and the trust policies of roles are not looked at: they are not configuration.
"""

from datetime import datetime
from typing import Final, NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.configuration.configuration import Configuration
from chalicelib.deciding import Decided, decide_vend
from chalicelib.errors import AccessDenied, CredvendError
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.plan import SessionPlan, plan_session

REQUEST_ID: Final = "00000000-0000-0000-0000-000000000000"
"""Stands in plans for the id that Lambda gives to each request."""


class Asking(NamedTuple):
    """A request for a role, as the service has it when it asks its policies.

    Attributes:
        format: in which the credentials are to be handed out, as policies call it: `json`, `container` and so on.
        address: the caller's: IPv4 or IPv6, never the one within the other.
        time: with a time zone.
    """

    caller: Caller
    request: VendRequest
    format: str
    address: str
    time: datetime


class Outcome(NamedTuple):
    """What the service would answer.

    Attributes:
        asking: None: the caller is turned away, or the request, before anybody is asked for a decision.
        decided: the decision; None as above.
        plan: what STS would be asked; None where the request is refused.
        refusal: what the caller would be told; None where it is not refused. `AccessDenied` is that of policies;
            `InvalidRequest` with a decision that allows is that of the role's own rules.
    """

    asking: Asking | None
    decided: Decided | None
    plan: SessionPlan | None
    refusal: CredvendError | None

    @property
    def allowed(self) -> bool:
        """Whether STS would be asked."""
        return self.plan is not None

    @property
    def policies(self) -> tuple[str, ...]:
        """`@id`s of the policies that decided; none for a denial by default, and where none was asked."""
        return () if self.decided is None else self.decided.decision.policies

    @property
    def audit_policies(self) -> tuple[str, ...]:
        """`@id`s of the policies in audit mode that apply."""
        return () if self.decided is None or self.decided.audited is None else self.decided.audited.policies


def decide(configuration: Configuration, asking: Asking) -> Outcome:
    """What the service would answer to a request, up to and without AWS."""
    decided = decide_vend(configuration, asking.caller, asking.request, asking.format, asking.address, asking.time)
    if decided.role is None or not decided.decision.allowed:
        return Outcome(asking, decided, None, AccessDenied())
    try:
        plan = plan_session(asking.caller, asking.request, decided.role, REQUEST_ID)
    except CredvendError as refusal:
        return Outcome(asking, decided, None, refusal)
    return Outcome(asking, decided, plan, None)


def refused(refusal: CredvendError) -> Outcome:
    """The outcome of a request that never comes to a decision."""
    return Outcome(None, None, None, refusal)
