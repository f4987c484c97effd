"""The table of revocations, as operators read it: what was asked for of a role, and which sessions it is about."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chalicelib.ended_sessions import ends
from chalicelib.ledger.entry import Entry
from chalicelib.revocation.items import revocation_of
from chalicelib.revocation.revocation import Revocation
from ops.aws.dynamodb import CONNECTIONS
from ops.aws.operator import Operator

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

Progress = Literal["requested", "written", "in force", "failed"]


@dataclass(frozen=True, slots=True)
class Revocations:
    """The revocations of one table.

    Attributes:
        table: its name.
    """

    table: str
    operator: Operator

    def of_roles(self, role_arns: Iterable[str]) -> dict[str, list[Revocation]]:
        """What was asked for of each role, as it is now.

        Raises:
            OperationFailed: the table cannot be read.
        """
        roles = sorted(set(role_arns))
        with self.operator.asked(self.table), ThreadPoolExecutor(CONNECTIONS) as pool:
            return dict(zip(roles, pool.map(self._of_role, roles), strict=True))

    def _of_role(self, role_arn: str) -> list[Revocation]:
        found: list[Revocation] = []
        start: Mapping[str, Item] = {}
        while True:
            answer = self.operator.client.query(
                TableName=self.table,
                KeyConditionExpression="#role = :role",
                ExpressionAttributeNames={"#role": "role_arn"},
                ExpressionAttributeValues={":role": {"S": role_arn}},
                ConsistentRead=True,
                **start,  # type: ignore[arg-type]
            )
            found += [one for item in answer["Items"] if (one := revocation_of(item)) is not None]
            last = answer.get("LastEvaluatedKey")
            if not last:
                return found
            start = {"ExclusiveStartKey": last}


def progress(one: Revocation) -> Progress:
    """How far it is."""
    if one.in_force is not None:
        return "in force"
    if one.written is not None:
        return "written"
    return "failed" if one.problem is not None else "requested"


def revocation_of_session(entry: Entry, of_role: Iterable[Revocation]) -> Revocation | None:
    """The revocation that ends a session, the one that is furthest, or None."""
    order: Mapping[Progress, int] = {"in force": 0, "written": 1, "requested": 2, "failed": 3}
    return min((one for one in of_role if ends(one, entry)), key=lambda one: order[progress(one)], default=None)
