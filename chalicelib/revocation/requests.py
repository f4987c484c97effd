"""How a revocation is asked for: an item of the table of revocations. Its stream has the role's policy written.

Whoever asks writes nothing but this, so that the rights to change roles stay with the revoker's function alone.
"""

import hashlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Final, NamedTuple

from chalicelib.aws.table import ConditionFailed, Table
from chalicelib.revocation.revocation import CHAINED_SECONDS, Form

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Item = dict[str, "AttributeValueTypeDef"]

# How far it is; the two mappings of the table's stream choose by it (.chalice/template.json).
ASKED: Final = "asked"
WRITTEN: Final = "written"
IN_FORCE: Final = "in_force"
FAILED: Final = "failed"
# An item is kept for a day after its sessions have ended; DynamoDB deletes it then, and the policy is made again.
_KEPT_SECONDS: Final = 86_400
# The longest session that another one can become: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html
_LONGEST_CHAINED_SECONDS: Final = 3600
# The longest session of a role that others than credvend make, and by how much clocks may differ:
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (DurationSeconds)
_LONGEST_SECONDS: Final = 43_200 + 300


class Asked(NamedTuple):
    """Who wants sessions of a role to end, and when they said so.

    Attributes:
        role_arn: the role whose sessions they are; path included.
        at: milliseconds since 1970, by a clock of AWS's.
        until: when the last of the sessions has ended; seconds since 1970.
        by: who asks.
        chained: the role is not the one that was vended, but one to which its sessions may have gone on.
        ahead: of a caller that is blocked, sessions that were under way are issued for so long yet; seconds.
    """

    role_arn: str
    at: int
    until: int
    by: str
    reason: str | None = None
    chained: bool = False
    ahead: int = 0


def session_item(asked: Asked, request_id: str, caller_tag: str | None = None) -> Item:
    """To end the session of one vend, by its request id. Its role must have had `tag_session: true`.

    Args:
        caller_tag: the value of its tag `credvend:caller`: where many sessions of a caller are revoked, and the role's
            policy has no room for each, these are denied by it. None: not known.
    """
    whose: Item = {"request_id": {"S": request_id}}
    if caller_tag is not None:
        whose["caller_tag"] = {"S": caller_tag}
    return _item(asked, "session", f"session#{request_id}", whose)


def caller_item(asked: Asked, caller: str, caller_tag: str | None, source_identity: str | None) -> Item:
    """To end a caller's sessions that were issued until now, or a little later.

    Args:
        caller: its identifier.
        caller_tag: the value of the tag `credvend:caller` of these sessions; None: they have none.
        source_identity: theirs; None: they have none. One of the two must be there.
    """
    # By what its sessions are told is part of the id: where a role begins to tag sessions, a later request, by tag,
    # must not take the place of an earlier one, by source identity: sessions that were denied would be let in again.
    named = "\n".join([caller, caller_tag or "", source_identity or ""])
    who: Item = {
        "issued_before": _issued_before(asked._replace(at=asked.at + asked.ahead * 1000)),
        "caller": {"S": caller},
    }
    if caller_tag is not None:
        who["caller_tag"] = {"S": caller_tag}
    if source_identity is not None:
        who["source_identity"] = {"S": source_identity}
    if caller_tag is None and source_identity is None:
        raise ValueError("sessions with neither tags nor a source identity cannot be told apart: revoke the role's")
    return _item(asked, "caller", f"caller#{hashlib.sha256(named.encode()).hexdigest()[:32]}", who)


def role_item(asked: Asked, roles: Collection[str] = ()) -> Item:
    """To end all sessions of a role that were issued until now, whoever has them, credvend's or not.

    Args:
        roles: its names in the catalog, by which the ledger knows its sessions.
    """
    named: Item = {"roles": {"SS": sorted(roles)}} if roles else {}
    # Those that are none of credvend's live longer than any of its own, and would be let in again.
    asked = asked._replace(until=max(asked.until, asked.at // 1000 + _LONGEST_SECONDS))
    return _item(asked, "issued_before", "role", {"issued_before": _issued_before(asked)} | named)


def ask(table: Table, item: Item) -> bool:
    """Put it into the table of revocations; whether it was put: else a later one for the same sessions is there.

    Raises:
        TableUnavailable: the table could not be asked; it may have been put.
    """
    try:
        table.put(
            item,
            "attribute_not_exists(#requested) OR #requested <= :requested",
            {"#requested": "requested"},
            {":requested": item["requested"]},
        )
    except ConditionFailed:
        return False
    return True


def _item(asked: Asked, form: Form, id: str, more: Item) -> Item:
    until = asked.until + (CHAINED_SECONDS + _LONGEST_CHAINED_SECONDS if asked.chained else 0)
    item: Item = {
        "role_arn": {"S": asked.role_arn},
        # A role may be both: vended itself, and gone on to.
        "id": {"S": f"{id}#chained" if asked.chained else id},
        "form": {"S": form},
        "state": {"S": ASKED},
        "requested": {"N": str(asked.at)},
        "until": {"N": str(until)},
        "ttl": {"N": str(until + _KEPT_SECONDS)},
        "by": {"S": asked.by},
        "chained": {"BOOL": asked.chained},
    }
    return item | more | ({"reason": {"S": asked.reason}} if asked.reason is not None else {})


def _issued_before(asked: Asked) -> "AttributeValueTypeDef":
    """AWS tells whole seconds: what was issued within this one must be hit, so that it is the next that counts."""
    return {"N": str(asked.at // 1000 + 1)}
