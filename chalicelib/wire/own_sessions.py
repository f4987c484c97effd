"""What is asked of one's own sessions, and how they are told. A session has the same spelling everywhere."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from chalicelib.errors import InvalidRequest
from chalicelib.ledger.entry import Entry
from chalicelib.text.durations import MALFORMED, seconds_of
from chalicelib.text.timestamps import moment
from chalicelib.wire.query import Query, once, refuse_query, shown
from chalicelib.wire.rendering import Json
from chalicelib.wire.vend_request import json_fields, read_reason

DEFAULT_SINCE_SECONDS: Final = 86_400
# Each day is asked for by itself, and no policy says who may ask: 720 queries, which take a second or two.
LONGEST_SINCE_SECONDS: Final = 90 * 86_400
DEFAULT_LIMIT: Final = 100
LARGEST_LIMIT: Final = 1000
# All that callers are told: the reason names roles and rights that are for operators to know, who find it in the table
# of revocations, by `credvend-admin sessions show`, and in the revoker's log.
PROBLEM: Final = "AWS could not be told yet. It is tried again until the session has ended. Operators see why."
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class SessionsAsked(NamedTuple):
    """Which sessions.

    Attributes:
        since_seconds: asked for as long ago at most.
        live: only those that somebody may still use.
        limit: as many at most, the latest.
    """

    since_seconds: int = DEFAULT_SINCE_SECONDS
    live: bool = False
    limit: int = DEFAULT_LIMIT


def parse_sessions_query(query: Query, kept_seconds: int) -> SessionsAsked:
    """Read the query of a list of sessions.

    Args:
        kept_seconds: how long the ledger keeps a session.

    Raises:
        InvalidRequest: a parameter is unknown, twice or malformed. The message names it.
    """
    refuse_query(query.keys(), ("limit", "live", "since"))
    single = {name: once(name, values) for name, values in query.items()}
    return SessionsAsked(
        since_seconds=_since(single["since"], kept_seconds) if "since" in single else DEFAULT_SINCE_SECONDS,
        live=_truth("live", single["live"]) if "live" in single else False,
        limit=_limit(single["limit"]) if "limit" in single else DEFAULT_LIMIT,
    )


def _since(text: str, kept_seconds: int) -> int:
    try:
        seconds = seconds_of(text)
    except ValueError:
        raise InvalidRequest(f'Query parameter "since" {MALFORMED}.') from None
    most = min(kept_seconds, LONGEST_SINCE_SECONDS)
    if not 0 < seconds <= most:
        longest = f"{most // 86_400}d" if most % 86_400 == 0 else f"{most}s"
        why = ", for which sessions are kept," if most == kept_seconds else ""
        raise InvalidRequest(f'Query parameter "since" must be at most {longest}{why} and more than nothing.')
    return seconds


def _truth(name: str, text: str) -> bool:
    if text not in _TRUTHS:
        raise InvalidRequest(f"Query parameter {shown(name)} must be true or false.")
    return _TRUTHS[text]


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LARGEST_LIMIT):
        raise InvalidRequest(f'Query parameter "limit" must be a number from 1 to {LARGEST_LIMIT}.')
    return int(text)


def parse_revocation(body: bytes, content_type: str | None) -> str | None:
    """Read the body of a revocation, which may be left out: the reason, or None.

    Raises:
        UnsupportedMediaType, InvalidRequest, RequestTooLarge: as of a vend.
    """
    if not body.strip():
        return None
    return read_reason(json_fields(body, content_type, {"reason"}, '{"reason": "WHY"}').get("reason"))


def render_sessions(sessions: tuple[Entry, ...], left_out: int, now: float, request_id: str) -> Json:
    """A list of sessions, and how many are missing in it."""
    return {
        "Sessions": [_session(entry, now) for entry in sessions],
        "LeftOut": left_out,
        "RequestId": request_id,
    }


def render_one_session(session: Entry, now: float, request_id: str) -> Json:
    """One session."""
    return {"Session": _session(session, now), "RequestId": request_id}


def _session(entry: Entry, now: float) -> Json:
    return _present(
        {
            "Id": entry.id,
            "Role": entry.role,
            "RoleArn": entry.role_arn,
            "State": entry.standing(now),
            "Requested": _moment(entry.requested_at),
            "Expires": moment(entry.expires),
            "AccessKeyId": entry.access_key_id,
            "Reason": entry.reason,
            "Revocation": _revocation(entry),
        }
    )


def _revocation(entry: Entry) -> Json | None:
    # Not by whom, and why: what operators write down is not for the caller.
    if entry.revoke_requested is None:
        return None
    return _present(
        {
            "Requested": _moment(entry.revoke_requested),
            "Written": _moment(entry.revoke_written),
            "InForce": _moment(entry.revoke_in_force),
            "Problem": None if entry.revoke_problem is None else PROBLEM,
        }
    )


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else moment(milliseconds // 1000)


def _present(told: Json) -> Json:
    return {name: value for name, value in told.items() if value is not None}
