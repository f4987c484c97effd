"""Where a role's policy has no room for each session: those of one caller become one form, which hits nobody else."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from chalicelib.revocation.revocation import Revocation

# What stands in a policy, about: of a session, a UUID as JSON; of a caller, a statement without its tag.
_SESSION_CHARACTERS: Final = 39
_CALLER_CHARACTERS: Final = 190


def fold(
    revocations: Sequence[Revocation], fits: Callable[[Sequence[Revocation]], bool]
) -> Mapping[Revocation, list[str]]:
    """The forms that a policy is to have, each with the ids of the revocations that it stands for.

    As few callers are folded as there must be, the one with the most sessions first: that gives the most room, and
    hits whoever filled it. Where not even all of them do, all are.

    Args:
        revocations: all of one role's.
        fits: whether a policy has room for some.
    """
    own = {one: [one.id] for one in revocations}
    if fits(revocations):
        return own
    callers = _by_sessions(revocations)
    low, high = 0, len(callers)
    while low < high:  # each that is folded gives some room
        middle = (low + high) // 2
        if fits(list(_folded(own, callers[:middle]))):
            high = middle
        else:
            low = middle + 1
    return _folded(own, callers[:low])


def _by_sessions(revocations: Sequence[Revocation]) -> list[list[Revocation]]:
    """The sessions of each caller that has several; who has the most comes first."""
    callers: dict[str, list[Revocation]] = defaultdict(list)
    for one in revocations:
        if one.form == "session" and one.caller_tag is not None:
            callers[one.caller_tag].append(one)
    several = [(tag, some) for tag, some in callers.items() if _gives_room(tag, len(some))]
    return [some for _, some in sorted(several, key=lambda each: (-len(each[1]), each[0]))]


def _gives_room(tag: str, sessions: int) -> bool:
    return sessions * _SESSION_CHARACTERS > _CALLER_CHARACTERS + len(tag)


def _folded(
    own: Mapping[Revocation, list[str]], callers: Sequence[Sequence[Revocation]]
) -> dict[Revocation, list[str]]:
    gone = {one for some in callers for one in some}
    forms = {one: ids for one, ids in own.items() if one not in gone}
    for some in callers:
        forms[_caller(some)] = [one.id for one in some]
    return forms


def _caller(sessions: Sequence[Revocation]) -> Revocation:
    """All that a caller was given before the last of these was issued."""
    return replace(
        sessions[0],
        id="caller#folded",
        form="caller",
        request_id=None,
        issued_before=max(one.issued_until for one in sessions),
        chained=False,  # the moment has its margin already, and tags come along
    )
