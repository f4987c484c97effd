"""What came of asking about a role."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from chalicelib.examining import questions
from chalicelib.examining.questions import Part
from chalicelib.roles.role import Role
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts_failures import Cause, StsFailure

# `assume_role`: not let in at all. `together`: each part is granted alone, and all of them at once are not.
Lack = Part | Literal["assume_role", "together"]
# Of these it is not known what the role's owner would say: STS was not asked, or has trouble of its own.
_UNKNOWN: Final[frozenset[Cause]] = frozenset(
    {
        "throttled",
        "own_credentials",
        "sts_error",
        "bad_answer",
        "unreachable",
        "not_sent",
        "unforeseen",
        "not_signed",
        "out_of_time",
    }
)

# What it is called, where a part of a token's session is refused: AWS says of all of them that the token was.
_OF_TOKENS: Final[dict[Lack, Cause]] = {
    "tag_session": "no_tag_session",
    "set_source_identity": "no_set_source_identity",
}
_NAMED: Final = {cause: part for part, cause in _OF_TOKENS.items()}


class Refused(NamedTuple):
    """Something that a vend needs and does not get, and what STS made of it."""

    lack: Lack
    cause: Cause


class Verdict(NamedTuple):
    """What STS says of a role.

    Attributes:
        granted: a vend would get what it asks for; None: that is not known.
        lacks: what it would not get.
        unknown: why it is not known.
        demands_external_id: whether the role keeps out who does not bring the catalog's external id; None: the catalog
            has none, or it is not known.
        sts_request_ids: of the calls, as CloudTrail has them.
    """

    role: Role
    granted: bool | None
    lacks: tuple[Refused, ...] = ()
    unknown: Cause | None = None
    demands_external_id: bool | None = None
    sts_request_ids: tuple[str, ...] = ()


# Asks for a session, gives it up, and returns the id of the call.
Ask = Callable[[SessionPlan], str]


def examine(role: Role, request_id: str, ask: Ask) -> Verdict:
    """Ask about a role: once where all is in order, once more where it has an external id or leases, up to eight times
    else.

    Args:
        request_id: of the invocation, by which CloudTrail's events are found.
        ask: raises `StsFailure`.
    """
    asked: list[str] = []

    def refusal(plan: SessionPlan) -> Cause | None:
        try:
            asked.append(ask(plan))
        except StsFailure as failure:
            if failure.request_id is not None:
                asked.append(failure.request_id)
            if failure.cause in _UNKNOWN:
                raise
            return failure.cause
        return None

    try:
        verdict = _judge(role, request_id, refusal)
    except StsFailure as failure:
        verdict = Verdict(role, None, unknown=failure.cause)
    return verdict._replace(sts_request_ids=tuple(asked))


def _judge(role: Role, request_id: str, refusal: Callable[[SessionPlan], Cause | None]) -> Verdict:
    whole = refusal(questions.whole(role, request_id))
    if whole is None:
        demands = None
        if role.external_id is not None:
            demands = refusal(questions.without_external_id(role, request_id)) is not None
        lease = questions.lease(role, request_id)
        cause = None if lease is None else refusal(lease.plan)
        lacks: tuple[Refused, ...] = () if cause is None else (Refused("lease", cause),)
        return Verdict(role, granted=not lacks, lacks=lacks, demands_external_id=demands)
    bare = refusal(questions.bare(role, request_id))
    if bare is not None:
        # STS has judged sts:AssumeRole before the action that it named for the whole: the trust policy wants to see
        # what the bare question leaves out. Else nothing is known of the rest, for who is not let in may do nothing.
        named = _NAMED.get(whole)
        return Verdict(role, granted=False, lacks=(Refused(named, whole) if named else Refused("assume_role", bare),))
    each = [(part, refusal(plan)) for part, plan in questions.parts(role, request_id)]
    lacks = tuple(Refused(part, _named(role, part, cause)) for part, cause in each if cause is not None)
    return Verdict(role, granted=False, lacks=lacks or (Refused("together", whole),))


def _named(role: Role, part: Part, cause: Cause) -> Cause:
    """The cause that a part was refused for, which is known to be the part."""
    return _OF_TOKENS.get(part, cause) if role.by_web_identity and cause == "not_trusted" else cause
