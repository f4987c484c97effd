"""What is to end: sessions of one role, as an item of the table of revocations says it."""

from dataclasses import dataclass
from typing import Final, Literal

# `session`: the one of a request; `caller`: those of a caller, `issued_before`: all, that were issued before a moment.
Form = Literal["session", "caller", "issued_before"]
# What a policy has for a revocation: `own`: a place; `folded` and `widened`: none, see `Revocation`.
Room = Literal["own", "folded", "widened"]
FORMS: Final[tuple[Form, ...]] = ("session", "caller", "issued_before")

# A revoked session may go on to other roles until its own role's policy is in force everywhere, for which AWS names no
# bound ("a few minutes" at worst, seconds as a rule). Sessions that were chained meanwhile are issued after the moment
# of the request: they are counted in for so long. By their request id they are found whenever they were issued.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html
CHAINED_SECONDS: Final = 60
# A session may be revoked while STS is asked for it: its function's time is over by then, and nothing is vended later.
UNDER_WAY_SECONDS: Final = 30
# What a moment that one clock of AWS tells may lie before that of another.
CLOCKS_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Revocation:
    """Sessions of one role that are to be denied everything.

    Attributes:
        id: `session#REQUEST ID`, `caller#HASH` or `role`: within the role.
        requested: when it was asked for; milliseconds since 1970.
        until: when the last session that it is about has ended; seconds since 1970.
        request_id: of the form `session`: the vend's, which its tag `credvend:request` holds.
        caller_tag: value of the tag `credvend:caller`; None: these sessions have none, or, of the form `session`, it is
            not known.
        source_identity: of the form `caller`, where it is set.
        issued_before: of the two other forms; seconds since 1970. Sessions that were issued in this second are not hit.
        chained: the role is one that the revoked sessions may have gone on to.
        written: when a policy that denies it was written; in_force: when it was seen to deny. Milliseconds since 1970.
        folded: of the form `session`: the role's policy had no room for it, so that it denies all sessions of its
            caller that were issued before.
        widened: the role's policy had no room, so that it denies all sessions that were issued before.
        problem: why it could not be written.
        caller: of the form `caller`: its identifier, by which the ledger knows its sessions; None: not known.
        roles: of the form `issued_before`: catalog names of the role, by which the ledger knows its sessions.
        told: how far it was when the ledger was told of it: `written` or `in_force`.
    """

    role_arn: str
    id: str
    form: Form
    requested: int
    until: int
    request_id: str | None = None
    caller_tag: str | None = None
    source_identity: str | None = None
    issued_before: int | None = None
    chained: bool = False
    written: int | None = None
    in_force: int | None = None
    folded: bool = False
    widened: bool = False
    problem: str | None = None
    caller: str | None = None
    roles: tuple[str, ...] = ()
    told: str | None = None

    @property
    def room(self) -> Room:
        """What the policy that was written has for it."""
        return "widened" if self.widened else "folded" if self.folded else "own"

    @property
    def to_tell(self) -> str | None:
        """How far it is, where the ledger is to be told; None: it knows, or has no sessions of it."""
        far = "in_force" if self.in_force is not None else "written"
        return None if self.chained or self.written is None or self.told == far else far

    @property
    def issued_until(self) -> int:
        """Every session that it is about was issued before this moment; seconds since 1970."""
        margin = CHAINED_SECONDS if self.chained else 0
        if self.issued_before is not None:
            return self.issued_before + margin
        return self.requested // 1000 + 1 + UNDER_WAY_SECONDS + CLOCKS_SECONDS + margin

    def is_live(self, now: float) -> bool:
        """Whether a session that it is about may still be valid."""
        return self.until > now
