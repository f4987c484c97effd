"""May they? What a vend is decided by, and the decision. No I/O: the service asks here, and so do operators' tools."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.configuration.configuration import Configuration
from chalicelib.decisions.decision import Circumstances, Decision, NearPermits
from chalicelib.roles.role import Role
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.plan import requested_duration

if TYPE_CHECKING:
    from chalicelib.decisions.audit_mode import Audited


class Decided(NamedTuple):
    """A decision, and what it was made of.

    Attributes:
        role: the one that is asked for; None: there is no such role, which is denied after as much work.
        circumstances: what policies saw besides caller and role.
        time: when it was made, as policies saw it, in the time zone of local times.
        near: of a denial by default, what came close.
        audited: what policies in audit mode would have made of it; None: none of them applies.
    """

    role: Role | None
    circumstances: Circumstances
    decision: Decision
    time: datetime
    near: NearPermits | None = None
    audited: "Audited | None" = None


def decide_vend(
    configuration: Configuration, caller: Caller, request: VendRequest, form: str, address: str, now: datetime
) -> Decided:
    """The role, and whether the caller may have it; no role at all is denied after as much work.

    Args:
        form: in which the credentials are handed out, as policies call it.
        address: the caller's, as API Gateway saw it.
        now: with a time zone.
    """
    role, asked_about = configuration.catalog.role_or_stand_in(request.role)
    circumstances = Circumstances(
        duration=requested_duration(request, asked_about),
        source_ip=address,
        has_reason=request.reason is not None,
        time=now,
        reason=request.reason,
        params=asked_about.session_rules.defaults | dict(request.params),
        tags=request.tags,
        narrowed=request.policy is not None,
        format=form,
    )
    authorizer = configuration.authorizer
    decision, time = authorizer.decide(caller, asked_about, circumstances), authorizer.local(now)
    audit_mode = configuration.audit_mode
    audited = None if audit_mode is None else audit_mode.look(caller, asked_about, circumstances, decision)
    if role is not None and decision.allowed:
        return Decided(role, circumstances, decision, time, audited=audited)
    near = authorizer.near_permits(caller, asked_about)  # whatever denies, so that all denials take as long
    if role is None:
        return Decided(None, circumstances, Decision(allowed=False), time)
    return Decided(role, circumstances, decision, time, None if decision.policies or decision.errors else near, audited)
