"""What a record holds of each thing: origin, caller, request, decision, plan, session, failure, refusal.

docs/audit.md lists every field.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from chalicelib.audit.log import EventName
from chalicelib.callers.caller import Caller
from chalicelib.callers.origin import Origin
from chalicelib.decisions.decision import Decision, NearPermits
from chalicelib.errors import (
    Blocked,
    CallerRefused,
    CredvendError,
    InvalidToken,
    IssuerUnavailable,
    QuotaExceeded,
    TokenStoreUnavailable,
    Unauthenticated,
)
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Session
from chalicelib.sessions.sts_failures import StsFailure
from chalicelib.text.timestamps import rfc3339

if TYPE_CHECKING:
    from chalicelib.decisions.audit_mode import Audited
    from chalicelib.ledger.entry import Entry

# The header is the caller's own text: enough to tell clients apart, not enough to flood the log.
_USER_AGENT_CHARACTERS: Final = 256
# So is the id in a header. API Gateway takes UUIDs, and appends a few words to anything else.
_GATEWAY_ID_CHARACTERS: Final = 128
# So is an id that is asked about. Ours have 36.
_SESSION_CHARACTERS: Final = 64


Fields = dict[str, object]


def first_fields(digest: str | None, origin: Origin) -> Fields:
    """What every record begins with: which configuration it was decided by, and where the request came from."""
    return {
        "configuration": digest,
        "request_id": origin.request_id,
        "gateway_request_id": origin.gateway_request_id[:_GATEWAY_ID_CHARACTERS],
        "source_ip": origin.source_ip,
        "user_agent": origin.user_agent[:_USER_AGENT_CHARACTERS],
        "cold_start": origin.cold_start,
    }


def caller_fields(caller: Caller) -> dict[str, object]:
    """Who asks."""
    return {"caller": caller.identifier, "caller_type": caller.kind} | dict(caller.audit_fields)


def request_fields(request: VendRequest, form: str) -> dict[str, object]:
    """What they ask for, as they said it.

    Args:
        form: in which they are answered.
    """
    return {
        "requested_role": request.role,
        "requested_duration": request.duration,
        "reason": request.reason,
        "requested_tags": dict(request.tags) or None,
        "params": dict(request.params) or None,
        "narrowed": request.policy is not None,
        "format": form,
        "dry_run": request.dry_run,
    }


def decision_fields(decision: Decision, time: datetime, near: NearPermits | None) -> dict[str, object]:
    """What Cedar said, when, and by which policies; or, where none decided, which came close.

    Args:
        time: with a time zone.
    """
    return {
        "decision_time": time.isoformat(timespec="seconds"),
        "decision": "allow" if decision.allowed else "deny",
        "policies": list(decision.policies),
        "policy_errors": list(decision.errors) or None,
        "near_permits": _near_permits(near) if near else None,
    }


def audit_mode_fields(audited: "Audited") -> dict[str, object]:
    """What policies in audit mode would have done."""
    return {
        "audit_policies": list(audited.policies) or None,
        "audit_errors": list(audited.errors) or None,
        "would_be": "allow" if audited.would_be else "deny",
    }


def _near_permits(near: NearPermits) -> dict[str, object] | None:
    named = {"condition": near.condition, "resource": near.resource, "principal": near.principal}
    found: dict[str, object] = {part: list(names) for part, names in named.items() if names}
    return (found | {"more": near.more} if near.more else found) or None


def plan_fields(plan: SessionPlan) -> dict[str, object]:
    """What STS is asked for."""
    return {
        "role": plan.role.name,
        "role_arn": plan.role.arn,
        "duration": plan.duration,
        "session_name": plan.session_name,
        "source_identity": plan.source_identity,
        "session_tags": dict(plan.tags),
        "transitive_tags": list(plan.transitive_tags) or None,
        "session_policy": plan.policy,
        "session_policy_arns": list(plan.policy_arns) or None,
    }


def counted_fields(live_in: Sequence[str]) -> dict[str, object]:
    """In which sets of live sessions it is counted."""
    return {"live_in": list(live_in) or None}


def session_fields(session: Session) -> dict[str, object]:
    """What STS gave: everything but the two secrets."""
    return {
        "access_key_id": session.credentials.access_key_id,
        "assumed_role_arn": session.arn,
        "expiration": rfc3339(session.credentials.expiration),
        "sts_request_id": session.request_id,
        "sts_milliseconds": session.milliseconds,
        "issued_by": session.issued_by,
        "signing_key": session.signing_key,
        "sts_scoped_request_id": session.scoped_request_id,
    }


def asked_session_fields(session: str) -> dict[str, object]:
    """Which session is asked about, as the caller said it."""
    return {"session": session[:_SESSION_CHARACTERS]}


def listed_fields(since_seconds: int, live: bool, told: int, left_out: int) -> dict[str, object]:
    """Which of a caller's sessions it was told of: from when on, whether only live ones, how many."""
    return {"since_seconds": since_seconds, "live_only": live, "sessions_told": told, "sessions_left_out": left_out}


def listed_roles_fields(account: str | None) -> dict[str, object]:
    """Of which account roles were asked for: its id or name, as the caller wrote it; None: of all."""
    return {"listed_account": account}


def own_session_fields(session: "Entry") -> dict[str, object]:
    """What is known of a session that its caller may see. (That caller is the one who asks.)"""
    return {
        "role": session.role,
        "role_arn": session.role_arn,
        "access_key_id": session.access_key_id,
    }


def revocation_fields(roles: Sequence[str]) -> dict[str, object]:
    """What is to be denied.

    Args:
        roles: ARNs; none where that was asked for before.
    """
    return {"revoked_on": list(roles) or None, "asked_before": not roles}


def failure_fields(failure: StsFailure) -> dict[str, object]:
    """Why STS gave nothing."""
    return {
        "cause": failure.cause,
        "access_key_id": failure.access_key_id,
        "error": failure.answer.message,
        "error_type": failure.error_type,
        "sts_problem": failure.problem,
        "sts_request_id": failure.request_id,
        "sts_milliseconds": failure.milliseconds,
    }


def unforeseen_fields(error: BaseException, answer: CredvendError) -> Fields:
    """That something unforeseen happened: what kind of error, but not its message, which may hold anything.

    Args:
        answer: what the caller is told.
    """
    return {"cause": "unforeseen", "error": answer.message, "error_type": type(error).__name__}


# Whose caller has not proved who it is.
_NOT_PROVED: Final = (Unauthenticated, IssuerUnavailable, TokenStoreUnavailable)


def refusal_event(refusal: CredvendError, known: Mapping[str, object], otherwise: EventName) -> EventName:
    """Which event a refusal is: of somebody who has not proved who they are, or of somebody known.

    Args:
        known: the fields so far. Who has proved who they are is among them, and may yet bring a token that was used.
    """
    return "authentication.failed" if isinstance(refusal, _NOT_PROVED) and "caller" not in known else otherwise


def refusal_fields(refusal: CredvendError) -> dict[str, object]:
    """Why the request was turned away, as the caller was told; and of a token what it claims to be."""
    fields: dict[str, object] = {"cause": refusal.code, "error": refusal.message}
    if isinstance(refusal, InvalidToken):
        fields |= {"cause": refusal.cause} | refusal.token._asdict()
    elif isinstance(refusal, IssuerUnavailable):
        fields |= {"issuer": refusal.issuer}
    elif isinstance(refusal, CallerRefused):
        fields |= {"caller_access_key_id": refusal.access_key_id}
    elif isinstance(refusal, Blocked):
        fields |= {"blocked": list(refusal.by)}
    elif isinstance(refusal, QuotaExceeded):
        fields |= {"quota": refusal.quota, "limit": refusal.limit}
    return fields
