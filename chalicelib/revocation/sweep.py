"""The sweep: each minute, what the stream has given up, or holds up, is found in the table and tried again.

The rule `Sweep` of .chalice/template.json invokes the revoker's function for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from chalicelib.revocation.revocation import Revocation

# Whatever is younger is left to the stream, which brings it within a second as a rule.
STREAM_SECONDS: Final = 60
# A session is longer than what is in a policy's way, as a rule: at first each minute, then less often.
_OFTEN_MINUTES: Final = 10
_SELDOM_MINUTES: Final = 60
_OFTEN_EVERY: Final = 5
_SELDOM_EVERY: Final = 15


class Pending(NamedTuple):
    """Roles by their ARNs, of which a revocation that is still of use is not as far as it could be.

    Attributes:
        to_write: the policy was not written; to_prove: it was not seen in force; to_tell: the ledger was not told.
    """

    to_write: Sequence[str]
    to_prove: Sequence[str]
    to_tell: Sequence[str]


def is_sweep(event: Mapping[str, object]) -> bool:
    """Whether a schedule invokes the function, and not the stream.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html shows such an event.
    """
    return event.get("source") == "aws.events" and event.get("detail-type") == "Scheduled Event"


def find_pending(revocations: Iterable[Revocation], now: float, is_probed: Callable[[str], bool]) -> Pending:
    """Sort out what is to be tried in this minute.

    Args:
        now: seconds since 1970. What has ended by then is left alone.
        is_probed: whether a role's policy can be seen in force, by the role's ARN.
    """
    to_write: set[str] = set()
    to_prove: set[str] = set()
    to_tell: set[str] = set()
    for one in revocations:
        since = one.requested if one.written is None else one.written
        if not one.is_live(now) or not _is_due(now - since / 1000):
            continue
        if one.written is None:
            to_write.add(one.role_arn)
        elif one.in_force is None and is_probed(one.role_arn):
            to_prove.add(one.role_arn)
        if one.to_tell is not None:
            to_tell.add(one.role_arn)
    # What is written anew comes back by the stream, to be proved.
    return Pending(*(_in_turn(roles, now) for roles in (to_write, to_prove - to_write, to_tell)))


def _is_due(age: float) -> bool:
    if 0 <= age < STREAM_SECONDS:
        return False
    minutes = int(age // 60)
    if minutes < _OFTEN_MINUTES:
        return True
    return minutes % (_OFTEN_EVERY if minutes < _SELDOM_MINUTES else _SELDOM_EVERY) == 0


def _in_turn(roles: Iterable[str], now: float) -> list[str]:
    """Each minute another one comes first: those that take all the time keep no other from its turn."""
    ordered = sorted(roles)
    first = int(now // 60) % len(ordered) if ordered else 0
    return ordered[first:] + ordered[:first]
