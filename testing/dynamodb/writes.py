"""One write: PutItem, UpdateItem, DeleteItem, or what a transaction does to one item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from testing.dynamodb.conditions import Condition, read_condition
from testing.dynamodb.grammar import Placeholders, Reader
from testing.dynamodb.refused import InvalidParameter, InvalidRequest, Refused
from testing.dynamodb.tables import Key, Table
from testing.dynamodb.updates import Update, read_update
from testing.dynamodb.values import MOST_BYTES_OF_ITEM, Item, bytes_of_item, check_item


@dataclass(frozen=True)
class Write:
    """What a request wants done to an item.

    Attributes:
        kind: Put, Update, Delete or ConditionCheck.
        table: its name.
        given: the whole item of a Put, the key of the others.
        update: None, of an Update: the item is to be there.
        tells_item: of a condition that does not hold: whether the answer has the item.
        payload: how many bytes the request has of it.
    """

    kind: str
    table: str
    given: Item
    condition: Condition | None
    update: Update | None
    tells_item: bool
    payload: int

    @classmethod
    def of(cls, kind: str, request: Mapping[str, object]) -> "Write":
        """That of a request's parameters, as far as it can be judged without the table.

        Raises:
            Refused: DynamoDB does not take it.
        """
        expressions = {name: request.get(name) for name in ("UpdateExpression", "ConditionExpression")}
        given = check_item(request["Item" if kind == "Put" else "Key"])
        placeholders = Placeholders(request, expressions)

        def reader(name: str) -> Reader | None:
            text = expressions[name]
            return None if text is None else Reader(name, str(text), placeholders)

        updating, judging = reader("UpdateExpression"), reader("ConditionExpression")
        update = None if updating is None else read_update(updating)
        condition = None if judging is None else read_condition(judging)
        placeholders.refuse_unused()
        tells_item = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        payload = bytes_of_item(given) + bytes_of_item(placeholders.values)
        return cls(kind, str(request["TableName"]), given, condition, update, tells_item, payload)

    def key(self, table: Table) -> Key:
        """The key of the item that it is about.

        Raises:
            InvalidRequest: it does not fit the table.
        """
        if self.kind == "Put":
            return table.key_of_item(self.given)
        for path in () if self.update is None else self.update.paths:
            if path.top in table.schema.key.names:
                raise InvalidParameter(f"Cannot update attribute {path.top}. This attribute is part of the key")
        return table.key_of_request(self.given)

    def new_item(self, table: Table, old: Item | None) -> Item | None:
        """What takes the place of an item, or of none. Nothing is changed yet.

        Raises:
            ConditionFailed: the condition does not hold.
            InvalidRequest: the item cannot be changed so.
        """
        if self.condition is not None and not self.condition.holds(old or {}):
            raise ConditionFailed(old if self.tells_item else None)
        match self.kind:
            case "Put":
                return self.given
            case "Delete":
                return None
            case "Update":
                return self._updated(table, old)
        return old

    def _updated(self, table: Table, old: Item | None) -> Item | None:
        if self.update is None:
            return self.given if old is None else old
        if old is None and self.update.only_takes_away:
            return None
        new = self.update.apply(self.given if old is None else old)
        if bytes_of_item(new) > MOST_BYTES_OF_ITEM:
            raise InvalidRequest("Item size to update has exceeded the maximum allowed size")
        table.check_item(new)
        return new


class ConditionFailed(Refused):
    """A condition does not hold."""

    def __init__(self, item: Item | None) -> None:
        """
        Args:
            item: the one that is there, where it is to be told.
        """
        self.item = item
        members = {} if item is None else {"Item": item}
        super().__init__("ConditionalCheckFailedException", "The conditional request failed", **members)


def attributes_to_return(write: Write, wanted: str, old: Item | None, new: Item | None) -> dict[str, object]:
    """The answer to a write of one item, by its ReturnValues.

    Raises:
        InvalidRequest: it cannot return that.
    """
    allowed = ("NONE", "ALL_OLD", *(("UPDATED_OLD", "ALL_NEW", "UPDATED_NEW") if write.kind == "Update" else ()))
    if wanted not in allowed:
        raise InvalidRequest(f"ReturnValues can only be {' or '.join(allowed)}")
    item = None if wanted == "NONE" else old if wanted.endswith("OLD") else new
    if wanted.startswith("UPDATED"):
        paths = [] if write.update is None else write.update.paths
        if any(len(path.parts) > 1 for path in paths):
            raise NotImplementedError("testing/dynamodb does not return parts of attributes")
        item = {path.top: item[path.top] for path in paths if path.top in item} if item else None
    return {"Attributes": cast(object, item)} if item else {}
