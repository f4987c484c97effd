"""A session of the ledger, as operators are shown it."""

from collections.abc import Mapping
from typing import Literal

from chalicelib.ended_sessions import issued
from chalicelib.ledger.entry import Entry
from chalicelib.ledger.index_keys import at
from chalicelib.revocation.revocation import Revocation
from chalicelib.text.timestamps import moment
from ops.ledger.revocations import progress

# `requested`: STS was or is about to be asked, and nobody recorded what it did.
State = Literal["live", "requested", "revoking", "revoked", "ended", "failed"]


def state(entry: Entry, now: float, revocation: Revocation | None) -> State:
    """What a session is at a moment, in seconds since 1970, UTC."""
    if entry.state == "failed":
        return "failed"
    written = entry.revoke_written or entry.revoke_in_force or (revocation.written if revocation else None)
    asked = entry.revoke_requested or (revocation.requested if revocation else None)
    # One that was revoked after its end is ended.
    if written is not None and written < entry.expires * 1000:
        return "revoked"
    if entry.expires <= now:
        return "ended"
    if asked is not None:
        return "revoking"
    return "live" if entry.state == "vended" else "requested"


def describe(entry: Entry, now: float, revocation: Revocation | None) -> dict[str, object]:
    """A session as JSON, in the spelling of the API's answers.

    Args:
        now: seconds since 1970, UTC.
        revocation: the one that ends it, as the table of revocations has it.
    """
    return {
        "Id": entry.id,
        "State": state(entry, now, revocation),
        "Requested": at(entry.requested_at),
        "Issued": moment(int(issued(entry))) if entry.state == "vended" else None,
        "Expires": moment(entry.expires),
        "Duration": entry.duration,
        "Caller": entry.caller,
        "CallerType": entry.caller_type,
        "Role": entry.role,
        "RoleArn": entry.role_arn,
        "Account": entry.account,
        "SessionName": entry.session_name,
        "SourceIdentity": entry.source_identity,
        "Tagged": entry.tagged,
        "SharedWith": entry.shared_with,
        "AccessKeyId": entry.access_key_id,
        "Reason": entry.reason,
        "Cause": entry.cause,
        "Revocation": _revocation(entry, revocation),
    }


def lines(described: Mapping[str, object]) -> dict[str, object]:
    """What `describe` says, for people: a line for each thing, also of what ends the session."""
    revocation = described["Revocation"]
    if not isinstance(revocation, dict):
        return {**described}
    known = {f"  {name}": value for name, value in revocation.items() if name != "Progress" and value is not None}
    return {**described, "Revocation": revocation["Progress"], **known}


def row(entry: Entry, now: float, revocation: Revocation | None) -> dict[str, object]:
    """A session as a line of a table."""
    what = state(entry, now, revocation)
    left = f"{what} {_span(entry.expires - now)}" if what in ("live", "revoking") else what
    return {
        "Asked": f"{_span(now - entry.requested_at / 1000)} ago",
        "State": left,
        "Role": entry.role,
        "Caller": entry.caller,
        "Id": entry.id,
    }


def _span(seconds: float) -> str:
    """A time that is left or over, roughly."""
    whole = max(0, int(seconds))
    for unit, worth in (("d", 86_400), ("h", 3600), ("m", 60)):
        if whole >= worth:
            return f"{whole // worth}{unit}"
    return f"{whole}s"


def _revocation(entry: Entry, revocation: Revocation | None) -> dict[str, object] | None:
    """What of its end is known: of the ledger, which stays, and of the table of revocations, which knows more."""
    if revocation is None and entry.revoke_requested is None and entry.revoke_written is None:
        return None
    known = revocation
    return {
        "Progress": progress(known) if known else ("written" if entry.revoke_written else "requested"),
        "Form": known.form if known else None,
        "Requested": _at(entry.revoke_requested or (known.requested if known else None)),
        "Written": _at(entry.revoke_written or (known.written if known else None)),
        "InForce": _at(entry.revoke_in_force or (known.in_force if known else None)),
        "By": entry.revoked_by,
        "Reason": entry.revoke_reason,
        "Folded": known is not None and known.folded,
        "Widened": known is not None and known.widened,
        "Problem": known.problem if known else entry.revoke_problem,
    }


def _at(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else at(milliseconds)
