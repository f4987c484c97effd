"""What the ledger holds of a session. No secrets: whoever can read it can use none of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from chalicelib.ledger.index_keys import index_keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

State = Literal["requested", "vended", "failed"]
_STATES: Final[tuple[State, ...]] = get_args(State)
# What has become of a session. `requested`: nobody recorded whether it was made; if it was, nobody was given it.
Standing = Literal["requested", "live", "revoking", "revoked", "ended", "failed"]
# Those that stand in the table under their own names: texts, and numbers.
_TEXTS: Final = (
    "caller", "caller_type", "session_name", "role", "role_arn", "account", "source_identity", "caller_tag",
    "access_key_id", "cause", "reason", "revoked_by", "revoke_reason", "revoke_problem", "shared_with",
)  # fmt: skip
_NUMBERS: Final = ("requested_at", "duration", "expires", "revoke_requested", "revoke_written", "revoke_in_force")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A session, or one that was about to be.

    Attributes:
        id: of the request; also the session tag `credvend:request`.
        state: `requested` until STS has answered, and for good where nobody recorded what it did.
        caller, caller_type: as audit records call them.
        session_name: RoleSessionName.
        role: catalog name.
        account: of the role, 12 digits.
        tagged: the session has the tags `credvend:*`.
        requested_at: milliseconds since 1970, UTC.
        duration: seconds.
        expires: seconds since 1970, UTC; until STS has said it, the latest that it can be.
        source_identity: None where the role has it switched off.
        caller_tag: the value of `credvend:caller`, None where it is not tagged.
        cause: why nothing was vended.
        reason: what the caller said.
        live_in: the sets of quotas that it is counted in.
        shared_with: the id of the request whose session this one got as well.
        revoke_requested, revoke_written, revoke_in_force: when its end was asked for, when IAM was told, and when the
            session was seen to be refused; milliseconds since 1970, UTC.
        revoke_problem: why IAM could not be told, in words that say what to do.
    """

    id: str
    state: State
    caller: str
    caller_type: str
    session_name: str
    role: str
    role_arn: str
    account: str
    tagged: bool
    requested_at: int
    duration: int
    expires: int
    source_identity: str | None = None
    caller_tag: str | None = None
    access_key_id: str | None = None
    cause: str | None = None
    reason: str | None = None
    live_in: tuple[str, ...] = ()
    shared_with: str | None = None
    revoke_requested: int | None = None
    revoke_written: int | None = None
    revoke_in_force: int | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None
    revoke_problem: str | None = None

    @property
    def tag(self) -> str:
        """What the session's tag `credvend:request` says, if it is tagged: the request that made it."""
        return self.shared_with or self.id

    def is_live(self, now: float) -> bool:
        """Whether somebody may use it now, as far as is known.

        Args:
            now: seconds since 1970, UTC.
        """
        return self.state != "failed" and self.expires > now and self.revoke_written is None

    def standing(self, now: float) -> Standing:
        """What has become of it, as far as is known.

        Args:
            now: seconds since 1970, UTC.
        """
        if self.state == "failed":
            return "failed"
        if self.revoke_written is not None:
            return "revoked"
        if self.expires <= now:
            return "ended"
        if self.revoke_requested is not None:
            return "revoking"
        return "live" if self.state == "vended" else "requested"


def item_of(entry: Entry, keep_seconds: int) -> "Item":
    """An entry as the table holds it.

    Args:
        keep_seconds: how long after its end.
    """
    item: Item = {"id": {"S": entry.id}, "state": {"S": entry.state}, "tagged": {"BOOL": entry.tagged}}
    for name in _TEXTS:
        if (text := getattr(entry, name)) is not None:
            item[name] = {"S": text}
    for name in _NUMBERS:
        if (number := getattr(entry, name)) is not None:
            item[name] = {"N": str(number)}
    if entry.live_in:
        item["live_in"] = {"SS": list(entry.live_in)}
    keys = index_keys(entry.id, entry.caller, entry.role, entry.account, entry.requested_at)
    item |= {name: {"S": key} for name, key in keys.items()}
    item["ttl"] = {"N": str(entry.expires + keep_seconds)}
    return item


def entry_of(item: "Item") -> Entry:
    """The entry that an item holds.

    Raises:
        ValueError: it is none of ours; says what is wrong with it.
    """
    values: dict[str, object] = {
        name: item[name]["S"] for name in ("id", "state", *_TEXTS) if "S" in item.get(name, {})
    }
    values |= {name: int(item[name]["N"]) for name in _NUMBERS if "N" in item.get(name, {})}
    values["tagged"] = item.get("tagged", {}).get("BOOL") is True
    values["live_in"] = tuple(sorted(item.get("live_in", {}).get("SS", ())))
    if values.get("state") not in _STATES:
        raise ValueError(f"session {values.get('id')}: has no state")
    try:
        return Entry(**cast("dict[str, str]", values))  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"session {values.get('id')}: {str(error).partition(') ')[2]}") from None
