"""What the audit log tells of sessions: docs/audit.md has its fields."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple, cast

from chalicelib.aws.durations import MAXIMUM_SECONDS
from chalicelib.ledger.entry import Entry, State
from chalicelib.quotas.quota import MOST_COUNTS
from chalicelib.roles.role import account_of

_STATES: Final[Mapping[str, State]] = {
    "credentials.requested": "requested",
    "credentials.vended": "vended",
    "credentials.failed": "failed",
}
_SERVICE: Final = "credvend.audit"
# What is asked of CloudWatch Logs: lines of JSON, by two of their fields.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
_EVENTS: Final = " || ".join(f'($.event = "{event}")' for event in _STATES)
PATTERN: Final = f'{{ ($.service = "{_SERVICE}") && ({_EVENTS}) }}'
# The service is not alone in being able to write to its log group: what it cannot have written is left out, lest one
# line that DynamoDB does not take keep all others from being rebuilt. Its own texts are shorter.
_MOST_BYTES: Final = 2000
_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_ROLE_ARN: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/[!-~]+", re.ASCII)
# The end of a session is STS's word, the beginning Lambda's: two clocks, and the time that passed between them.
_CLOCKS_SECONDS: Final = 3600


class Told(NamedTuple):
    """What the log tells.

    Attributes:
        entries: the sessions, each by the last that is told of it.
        records: how many records tell of them.
        unreadable: records of sessions from which no entry can be made.
    """

    entries: dict[str, Entry]
    records: int
    unreadable: int


def told(lines: Iterable[str]) -> Told:
    """The sessions of which lines of the log tell. Lines that are no records of sessions are left out."""
    entries: dict[str, Entry] = {}
    records = unreadable = 0
    for line in lines:
        record = _record(line)
        if record is None:
            continue
        records += 1
        try:
            entry = _entry(record)
        except (KeyError, TypeError, ValueError, OverflowError):
            unreadable += 1
        else:
            entries[entry.id] = _later(entries.get(entry.id), entry)
    return Told(entries, records, unreadable)


def together(one: Mapping[str, Entry], other: Mapping[str, Entry]) -> dict[str, Entry]:
    """What two parts of the log tell, the first of which is earlier."""
    return {**one, **{id_: _later(one.get(id_), entry) for id_, entry in other.items()}}


def _later(one: Entry | None, other: Entry) -> Entry:
    """What two records tell of one session: its end counts, and when it was asked for."""
    if one is None:
        return other
    first, last = (other, one) if other.state == "requested" else (one, other)
    return Entry(**{name: getattr(last, name) for name in Entry.__slots__} | {"requested_at": first.requested_at})


def _record(line: str) -> Mapping[str, object] | None:
    if _SERVICE not in line:
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    is_one = record.get("service") == _SERVICE and record.get("event") in _STATES and record.get("dry_run") is not True
    return cast("dict[str, object]", record) if is_one else None


def _entry(record: Mapping[str, object]) -> Entry:
    """The entry that a record tells of.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: it does not tell enough, or what no session has.
    """
    tags = _tags(record)
    requested_at = _milliseconds(_text(record, "timestamp"))
    duration = _duration(record)
    ends = _maybe(record, "expiration")
    expires = requested_at // 1000 + duration if ends is None else _milliseconds(ends) // 1000
    if abs(expires - requested_at // 1000 - duration) > _CLOCKS_SECONDS:
        raise ValueError("expiration")
    role_arn = _text(record, "role_arn")
    if _ROLE_ARN.fullmatch(role_arn) is None:
        raise ValueError("role_arn")
    return Entry(
        id=_id(_text(record, "request_id")),
        state=_STATES[_text(record, "event")],
        caller=_text(record, "caller"),
        caller_type=_text(record, "caller_type"),
        session_name=_text(record, "session_name"),
        role=_text(record, "role"),
        role_arn=role_arn,
        account=account_of(role_arn),
        tagged="credvend:request" in tags,
        requested_at=requested_at,
        duration=duration,
        expires=expires,
        source_identity=_maybe(record, "source_identity"),
        caller_tag=_maybe(tags, "credvend:caller"),
        access_key_id=_maybe(record, "access_key_id"),
        cause=_maybe(record, "cause"),
        reason=_maybe(record, "reason"),
        live_in=_listed(record, "live_in"),
        shared_with=_shared_with(record, tags),
    )


def _shared_with(record: Mapping[str, object], tags: Mapping[str, str]) -> str | None:
    """The request whose session it got. Its tag names that one, by which the session is revoked."""
    tag = tags.get("credvend:request", record["request_id"])
    shared = _maybe(record, "shared_with") or (None if tag == record["request_id"] else tag)
    return None if shared is None else _id(str(shared))


def _id(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ValueError("id")
    return text


def _duration(record: Mapping[str, object]) -> int:
    value = record["duration"]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("duration")
    if not 0 < value <= MAXIMUM_SECONDS:
        raise ValueError("duration")
    return value


def _tags(record: Mapping[str, object]) -> Mapping[str, str]:
    value = record["session_tags"]
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise TypeError("session_tags")
    return cast("dict[str, str]", value)


def _text(record: Mapping[str, object], name: str) -> str:
    """What DynamoDB takes, also as a part of an index's key."""
    value = record[name]
    if not isinstance(value, str):
        raise TypeError(name)
    if not 0 < len(value.encode()) <= _MOST_BYTES:
        raise ValueError(name)
    return value


def _maybe(record: Mapping[str, object], name: str) -> str | None:
    return None if record.get(name) is None else _text(record, name)


def _listed(record: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = record.get(name)
    if found is None:
        return ()
    if not isinstance(found, list) or len(found) > MOST_COUNTS:
        raise TypeError(name)
    return tuple(sorted({_text({name: one}, name) for one in found}))


def _milliseconds(moment: str) -> int:
    found = datetime.fromisoformat(moment)
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
