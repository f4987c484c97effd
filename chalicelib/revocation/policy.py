"""The inline policy of a role that denies its revoked sessions everything, made whole from all of its revocations.

That it takes effect on sessions that are there already, and how `aws:TokenIssueTime` works:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, cast

from chalicelib.aws.policy_document import VERSION
from chalicelib.revocation.folding import fold
from chalicelib.revocation.revocation import Revocation, Room

POLICY_NAME: Final = "credvend-revocations"
# Of all inline policies of a role together; white space is not counted.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAXIMUM_CHARACTERS: Final = 10_240

_REQUEST: Final = "aws:PrincipalTag/credvend:request"
_CALLER: Final = "aws:PrincipalTag/credvend:caller"
_SOURCE_IDENTITY: Final = "aws:SourceIdentity"
_ISSUED: Final = "aws:TokenIssueTime"
_PROBE_ID: Final = re.compile(r"probe-[0-9a-f]{16}")

Json = dict[str, object]


class NoRoom(Exception):
    """Not even the shortest form fits into what the role's other inline policies leave.

    Attributes:
        needed: characters of the shortest form.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class RevocationPolicy(NamedTuple):
    """What is to be written.

    Attributes:
        document: JSON without white space, or None: nothing is revoked, and there is to be no policy.
        covered: the revocations that it denies: all that are live.
        folded: of these, sessions that have no room of their own: it denies all of their caller's that were issued
            before, and nobody else's.
        widened: of these, those that have not even that: it denies all sessions that were issued before.
    """

    document: str | None
    covered: frozenset[str]
    folded: frozenset[str]
    widened: frozenset[str]

    def room(self, one: Revocation) -> Room:
        """What it has for one of those that it covers."""
        return "widened" if one.id in self.widened else "folded" if one.id in self.folded else "own"


def build_policy(revocations: Iterable[Revocation], now: float, room: int, *, probed: bool = False) -> RevocationPolicy:
    """The policy of a role.

    Where there is no room for all, the sessions of the callers that have the most of them are folded into their
    caller's form, which hits nobody else. Where there is none even then, the oldest are widened: these hit the fewest
    others, as whoever got a session before them has little of it left.

    Args:
        revocations: all of the role's.
        now: seconds since 1970; those that have ended by then are left out.
        room: characters that the role's other inline policies leave.
        probed: name a session that is none, by which it can be seen when the policy is in force.

    Raises:
        NoRoom: the shortest form does not fit.
    """
    live = sorted(
        (one for one in revocations if one.is_live(now)), key=lambda one: (one.issued_until, one.requested, one.id)
    )
    covered = frozenset(one.id for one in live)
    if not live:
        return RevocationPolicy(None, covered, frozenset(), frozenset())
    everybody = max((one.issued_until for one in live if one.form == "issued_before"), default=0)
    # Whatever is not newer than the issue-time form is denied by it already.
    apart = [one for one in live if one.form != "issued_before" and one.issued_until > everybody]
    groups = fold(apart, lambda some: len(_document(some, everybody, probed)) <= room)
    whole = sorted(groups, key=lambda one: (one.issued_until, one.requested, one.id))
    fits = _fewest_left_out(whole, everybody, room, probed)
    cut = max([everybody, *(one.issued_until for one in whole[:fits])])
    document = _document(whole[fits:], cut, probed)
    if len(document) > room:
        raise NoRoom(len(document))
    return RevocationPolicy(
        document,
        covered,
        frozenset(id for one in whole[fits:] for id in groups[one] if id != one.id),
        frozenset(id for one in whole[:fits] for id in groups[one]),
    )


def probe_id(document: Mapping[str, object]) -> str | None:
    """The request id of the session that is none, in a policy that is to be probed, or None."""
    for statement in _statements(document):
        for value in _values(statement, "StringEquals", _REQUEST):
            if _PROBE_ID.fullmatch(value):
                return value
    return None


def is_denied(document: Mapping[str, object], one: Revocation) -> bool:
    """Whether a policy that was made here denies all that a revocation is about."""
    everybody = max((_cut(each) for each in _statements(document) if "StringEquals" not in _condition(each)), default=0)
    if one.issued_until <= everybody:
        return True
    if one.form == "issued_before":
        return False
    found = {
        (key, value)
        for statement in _statements(document)
        for key, values in cast(dict[str, object], _condition(statement).get("StringEquals", {})).items()
        for value in _listed(values)
        if key == _REQUEST or _cut(statement) >= one.issued_until
    }
    if one.form == "session":
        return bool({(_REQUEST, one.request_id), (_CALLER, one.caller_tag)} & found)
    return set(_who(one)) <= found


def _fewest_left_out(apart: Sequence[Revocation], everybody: int, room: int, probed: bool) -> int:
    """How many of the first must be widened so that the rest has room."""
    if len(_document(apart, everybody, probed)) <= room:
        return 0
    # The first takes room: the moment before which all are denied. From then on, each gives some back.
    low, high = 1, len(apart)
    while low < high:
        middle = (low + high) // 2
        cut = max([everybody, *(one.issued_until for one in apart[:middle])])
        if len(_document(apart[middle:], cut, probed)) <= room:
            high = middle
        else:
            low = middle + 1
    return low


def _document(apart: Sequence[Revocation], cut: int, probed: bool) -> str:
    # A session that has come back to its role is revoked there twice.
    ids = sorted({one.request_id for one in apart if one.request_id is not None and one.form == "session"})
    statements = _callers([one for one in apart if one.form == "caller"])
    if cut:
        statements.append(_deny({"DateLessThan": {_ISSUED: _rfc3339(cut)}}))
    if probed:  # changes with whatever the policy says
        ids.append(f"probe-{hashlib.sha256(_text([*ids, *statements]).encode()).hexdigest()[:16]}")
    if ids:
        statements.insert(0, _deny({"StringEquals": {_REQUEST: ids}}))
    return _text({"Version": VERSION, "Statement": statements})


def _callers(revocations: Sequence[Revocation]) -> list[object]:
    """Those that were issued before the same moment share a statement."""
    named: dict[tuple[str, int], list[str]] = defaultdict(list)
    for one in revocations:
        for key, value in _who(one):
            named[key, one.issued_until].append(value)
    return [
        _deny({"StringEquals": {key: sorted(set(values))}, "DateLessThan": {_ISSUED: _rfc3339(cut)}})
        for (key, cut), values in sorted(named.items())
    ]


def _who(one: Revocation) -> list[tuple[str, str]]:
    """The condition keys, and their values, by which a caller's sessions are known.

    A session that was chained may have come from one without tags, or from one without a source identity: either
    denies it. Elsewhere the tag says it all, and the source identity stands in where a role's sessions have no tags.
    """
    tag = [(_CALLER, one.caller_tag)] if one.caller_tag is not None else []
    identity = [(_SOURCE_IDENTITY, one.source_identity)] if one.source_identity is not None else []
    return tag + identity if one.chained else tag or identity


def _deny(condition: Json) -> Json:
    # Without a Sid, 258 request ids have room.
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _text(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def _rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _statements(document: Mapping[str, object]) -> list[Json]:
    return cast(list[Json], document.get("Statement", []))


def _condition(statement: Json) -> Json:
    return cast(Json, statement.get("Condition", {}))


def _cut(statement: Json) -> int:
    for value in _values(statement, "DateLessThan", _ISSUED):
        return int(datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    return 0


def _values(statement: Json, operator: str, key: str) -> list[str]:
    return _listed(cast(Json, _condition(statement).get(operator, {})).get(key, []))


def _listed(values: object) -> list[str]:
    return [values] if isinstance(values, str) else cast(list[str], values)
