"""The table of revocations, and what of the ledger tells how far they are.

Whoever wants sessions to end only puts an item; its stream has the policy written. requests.py says how an item looks.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, cast

from chalicelib.aws.table import ConditionFailed, Table
from chalicelib.operators_log import tell_operators
from chalicelib.revocation.requests import FAILED, IN_FORCE, WRITTEN
from chalicelib.revocation.revocation import FORMS, Form, Revocation, Room

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

# What goes into a policy: a request id is a UUID of Lambda's, a source identity is as STS takes it, and a tag's value
# holds neither `$` nor `*`, so that nothing in it is a variable or a wildcard of IAM's.
# https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
_SAFE: Final = {
    "request_id": re.compile(r"[0-9A-Za-z-]{1,64}"),
    "source_identity": re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}"),
    "caller_tag": re.compile(r"[A-Za-z0-9 _.:/=+@-]{1,256}"),
}


# Beyond, a moment cannot be written as IAM wants it: the year 2286.
_LATEST: Final = 9_999_999_999
# Of 1 MB each, which hold some 2,000 revocations: what a sweep reads at most, in ten seconds or so.
_MOST_PAGES: Final = 100


class Revocations(Protocol):
    """Where revocations are kept."""

    def of_role(self, role_arn: str) -> list[Revocation]:
        """All of a role, as they are now. Those that are no revocations are told to the operators, and left out.

        Raises:
            TableUnavailable: the table could not be asked.
        """

    def live(self, now: float) -> list[Revocation]:
        """Those of all roles that have not ended, as they were a moment ago.

        Args:
            now: seconds since 1970.

        Raises:
            TableUnavailable: the table could not be asked.
        """

    def set_written(self, one: Revocation, moment: int, room: Room) -> bool:
        """Note that a policy that denies it was written; whether it still was what was read.

        Raises:
            TableUnavailable: the table could not be asked.
        """

    def set_in_force(self, one: Revocation, moment: int) -> bool:
        """Note that it was seen to be denied; whether it still was what was read.

        Raises:
            TableUnavailable: the table could not be asked.
        """

    def set_problem(self, one: Revocation, problem: str) -> bool:
        """Note why it could not be written; whether it still was what was read.

        Raises:
            TableUnavailable: the table could not be asked.
        """

    def set_told(self, one: Revocation, told: str) -> bool:
        """Note that the ledger was told how far it is; whether it still was what was read.

        Raises:
            TableUnavailable: the table could not be asked.
        """


class RevocationTable:
    """The table of revocations in DynamoDB. What is noted of a session is noted in the ledger as well."""

    def __init__(self, table: Table, sessions: Table) -> None:
        """Nothing is asked yet.

        Args:
            table: of revocations.
            sessions: the ledger, by request ids.
        """
        self._table = table
        self._sessions = sessions

    def of_role(self, role_arn: str) -> list[Revocation]:
        """As `Revocations` says."""
        found = (revocation_of(item) for item in self._table.items_of("role_arn", role_arn))
        return [one for one in found if one is not None]

    def live(self, now: float) -> list[Revocation]:
        """As `Revocations` says."""
        items, are_all = self._table.items_after("until", int(now), _MOST_PAGES)
        if not are_all:
            tell_operators("the table of revocations is too long: a sweep reads %s pages of it", _MOST_PAGES)
        found = (revocation_of(item) for item in items)
        return [one for one in found if one is not None]

    def set_written(self, one: Revocation, moment: int, room: Room) -> bool:
        """As `Revocations` says."""
        values: dict[str, AttributeValueTypeDef] = {
            ":moment": {"N": str(moment)},
            ":folded": {"BOOL": room == "folded"},
            ":widened": {"BOOL": room == "widened"},
        }
        update = "SET #state = :state, #written = :moment, #folded = :folded, #widened = :widened REMOVE #problem"
        names = {"#written": "written", "#folded": "folded", "#widened": "widened", "#problem": "problem"}
        self._tell_ledger(one, "SET #noted = :noted REMOVE revoke_problem", "revoke_written", {"N": str(moment)})
        return self._update(one, WRITTEN, update, names, values)

    def set_in_force(self, one: Revocation, moment: int) -> bool:
        """As `Revocations` says."""
        self._tell_ledger(one, "SET #noted = :noted", "revoke_in_force", {"N": str(moment)})
        names, update = {"#force": "in_force"}, "SET #state = :state, #force = :moment"
        return self._update(one, IN_FORCE, update, names, {":moment": {"N": str(moment)}})

    def set_problem(self, one: Revocation, problem: str) -> bool:
        """As `Revocations` says."""
        self._tell_ledger(one, "SET #noted = :noted", "revoke_problem", {"S": problem})
        names, update = {"#problem": "problem"}, "SET #state = :state, #problem = :problem"
        return self._update(one, FAILED, update, names, {":problem": {"S": problem}})

    def set_told(self, one: Revocation, told: str) -> bool:
        """As `Revocations` says."""
        return self._change(one, "SET #told = :told", {"#told": "told"}, {":told": {"S": told}})

    def _update(
        self,
        one: Revocation,
        state: str,
        update: str,
        names: dict[str, str],
        values: "dict[str, AttributeValueTypeDef]",
    ) -> bool:
        """Change it, and how far it is."""
        return self._change(one, update, names | {"#state": "state"}, values | {":state": {"S": state}})

    def _change(
        self, one: Revocation, update: str, names: dict[str, str], values: "dict[str, AttributeValueTypeDef]"
    ) -> bool:
        """Whether the item was there, and was asked for when it was read."""
        try:
            self._table.update(
                key={"role_arn": {"S": one.role_arn}, "id": {"S": one.id}},
                update=update,
                condition="#requested = :requested",
                names=names | {"#requested": "requested"},
                values=values | {":requested": {"N": str(one.requested)}},
            )
        except ConditionFailed:
            return False
        return True

    def _tell_ledger(self, one: Revocation, update: str, attribute: str, noted: "AttributeValueTypeDef") -> None:
        """Only of the session itself, not of what was chained from it. Moments once; nothing is a problem any more once
        it was written."""
        if one.request_id is None or one.chained:
            return
        once = "revoke_written" if attribute == "revoke_problem" else attribute
        with suppress(ConditionFailed):  # noted already, or the ledger has forgotten the session
            self._sessions.update(
                key={"id": {"S": one.request_id}},
                update=update,
                condition="attribute_exists(#id) AND attribute_not_exists(#once)",
                names={"#noted": attribute, "#id": "id", "#once": once},
                values={":noted": noted},
            )


def revocation_of(item: "Item") -> Revocation | None:
    """The revocation that an item is; None: it is none, and the operators are told."""
    try:
        return _read(item)
    except (KeyError, TypeError, ValueError) as error:
        key = [next(iter(item[name].values()), None) for name in ("role_arn", "id") if name in item]
        tell_operators("an item of the table of revocations is none: %r: %s", key, error)
        return None


def _read(item: "Item") -> Revocation:
    form = cast(Form, item["form"]["S"])
    if form not in FORMS:
        raise ValueError(f"form {form!r}")
    one = Revocation(
        role_arn=item["role_arn"]["S"],
        id=item["id"]["S"],
        form=form,
        requested=int(item["requested"]["N"]),
        until=int(item["until"]["N"]),
        request_id=_text(item, "request_id"),
        caller_tag=_text(item, "caller_tag"),
        source_identity=_text(item, "source_identity"),
        issued_before=_number(item, "issued_before"),
        chained=item["chained"]["BOOL"] if "chained" in item else False,
        written=_number(item, "written"),
        in_force=_number(item, "in_force"),
        folded=item["folded"]["BOOL"] if "folded" in item else False,
        widened=item["widened"]["BOOL"] if "widened" in item else False,
        problem=_text(item, "problem"),
        caller=_text(item, "caller"),
        roles=tuple(sorted(item["roles"]["SS"])) if "roles" in item else (),
        told=_text(item, "told"),
    )
    for name, pattern in _SAFE.items():
        value = getattr(one, name)
        if value is not None and pattern.fullmatch(value) is None:
            raise ValueError(f"{name} {value!r}")
    moments = {"requested": one.requested // 1000, "until": one.until, "issued_before": one.issued_before or 0}
    for name, seconds in moments.items():
        if not 0 <= seconds <= _LATEST:
            raise ValueError(f"{name} {seconds}")
    wanted = one.request_id is not None if form == "session" else one.issued_before is not None
    if not wanted or (form == "caller" and one.caller_tag is None and one.source_identity is None):
        raise ValueError(f"form {form} without what it needs")
    return one


def _text(item: "Item", name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _number(item: "Item", name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
