"""Reading one item by its key, in GetItem and in batches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from testing.dynamodb.grammar import Path, Placeholders, Reader
from testing.dynamodb.projections import project, read_projection
from testing.dynamodb.tables import Key, Table
from testing.dynamodb.values import Item, check_item


@dataclass(frozen=True)
class Read:
    """What a request wants to know of items.

    Attributes:
        table: its name.
        paths: what of an item; None: all of it.
    """

    table: str
    paths: list[Path] | None

    @classmethod
    def of(cls, request: Mapping[str, object], table: str | None = None) -> "Read":
        """That of a request's parameters.

        Raises:
            Refused: DynamoDB does not take it.
        """
        text = request.get("ProjectionExpression")
        placeholders = Placeholders(request, {"ProjectionExpression": text})
        paths = None
        if text is not None:
            paths = read_projection(Reader("ProjectionExpression", str(text), placeholders))
        placeholders.refuse_unused()
        return cls(str(request["TableName"]) if table is None else table, paths)

    def key(self, find: Callable[[str], Table], given: object) -> tuple[Table, Key]:
        """The table, and the key of an item in it.

        Raises:
            Refused: there is no such table, or the key does not fit.
        """
        key = check_item(given)
        table = find(self.table)
        return table, table.key_of_request(key)

    def get(self, find: Callable[[str], Table], given: object) -> Item | None:
        """What is wanted of the item of that key.

        Raises:
            Refused: there is no such table, or the key does not fit.
        """
        table, key = self.key(find, given)
        item = table.items.get(key)
        return item if item is None or self.paths is None else project(item, self.paths)
