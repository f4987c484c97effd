"""Query and Scan: many items, page by page.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

from testing.dynamodb.conditions import (
    Between,
    Both,
    Comparison,
    Condition,
    Either,
    Function,
    Literal,
    Parentheses,
    paths_of,
    read_condition,
)
from testing.dynamodb.grammar import Path, Placeholders, Reader
from testing.dynamodb.projections import project, read_projection
from testing.dynamodb.refused import InvalidParameter, InvalidRequest
from testing.dynamodb.tables import Index, KeySchema, Table
from testing.dynamodb.values import Item, Value, bytes_of, bytes_of_item, check_item, kind, order

PAGE_BYTES: Final = 1024 * 1024
_EXPRESSIONS: Final = ("KeyConditionExpression", "FilterExpression", "ProjectionExpression")
# What may be asked of keys; and the same from the other side.
_MIRRORED: Final = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Search:
    """What a request looks for.

    Attributes:
        keys: of a query, the condition of the keys.
        limit: how many items it looks at, at most.
    """

    keys: Condition | None
    filter: Condition | None
    paths: list[Path] | None
    index: str | None
    consistent: bool
    forward: bool
    limit: int | None
    start: Item | None
    select: str | None

    @classmethod
    def of(cls, request: Mapping[str, object]) -> "Search":
        """That of a request's parameters, as far as it can be judged without the table.

        Raises:
            Refused: DynamoDB does not take it.
        """
        expressions = {name: request.get(name) for name in _EXPRESSIONS}
        placeholders = Placeholders(request, expressions)
        keys, only, wanted = (
            None if text is None else Reader(name, str(text), placeholders) for name, text in expressions.items()
        )
        start = request.get("ExclusiveStartKey")
        search = cls(
            None if keys is None else read_condition(keys),
            None if only is None else read_condition(only),
            None if wanted is None else read_projection(wanted),
            cast(str | None, request.get("IndexName")),
            request.get("ConsistentRead") is True,
            request.get("ScanIndexForward") is not False,
            cast(int | None, request.get("Limit")),
            None if start is None else check_item(start),
            cast(str | None, request.get("Select")),
        )
        placeholders.refuse_unused()
        return search

    def query(self, table: Table, page_bytes: int) -> dict[str, object]:
        """The answer to a query.

        Raises:
            InvalidRequest: the table has no such keys.
        """
        if self.keys is None:
            raise InvalidRequest("Either the KeyConditions or KeyConditionExpression parameter must be specified")
        index = self._index(table)
        schema = table.schema.key if index is None else index.key
        _check_keys(self.keys, schema, table.schema.types)
        for path in () if self.filter is None else paths_of(self.filter):
            if path.top in schema.names:
                raise InvalidRequest(
                    f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {path.top}"
                )
        return self._page(table, index, [item for item in _held(table, index) if self.keys.holds(item)], page_bytes)

    def scan(self, table: Table, page_bytes: int) -> dict[str, object]:
        """The answer to a scan.

        Raises:
            InvalidRequest: the table has no such index.
        """
        index = self._index(table)
        return self._page(table, index, list(_held(table, index)), page_bytes)

    def _index(self, table: Table) -> Index | None:
        if self.index is None:
            return None
        index = table.schema.indexes.get(self.index)
        if index is None:
            raise InvalidRequest(f"The table does not have the specified index: {self.index}")
        if self.consistent:
            raise InvalidRequest("Consistent reads are not supported on global secondary indexes")
        if index.projected is not None:
            if self.select == "ALL_ATTRIBUTES":
                raise InvalidParameter(
                    "Select type ALL_ATTRIBUTES is not supported for global secondary index "
                    f"{index.name} because its projection type is not ALL"
                )
            strange = {path.top for path in self.paths or ()} - {*_names(table, index), *index.projected}
            if strange:
                raise InvalidParameter(f"Global secondary index {index.name} does not project {sorted(strange)}")
        return index

    def _page(self, table: Table, index: Index | None, items: list[Item], page_bytes: int) -> dict[str, object]:
        names = _names(table, index)
        place = _Place(table.schema.key, table.schema.key if index is None else index.key)
        items.sort(key=place.of, reverse=not self.forward)
        if self.start is not None:
            _check_start(self.start, names, table.schema.types)
            after = place.of(self.start)
            items = [item for item in items if (place.of(item) > after) is self.forward and place.of(item) != after]
        page = _first_page(items, self.limit, page_bytes)
        found = [item for item in page if self.filter is None or self.filter.holds(item)]
        answer: dict[str, object] = {"Count": len(found), "ScannedCount": len(page)}
        if self.select != "COUNT":
            answer["Items"] = [item if self.paths is None else project(item, self.paths) for item in found]
        # Where it stopped, there may be more: AWS has not looked.
        if page and (len(page) < len(items) or len(page) == self.limit):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in names}
        return answer


def _names(table: Table, index: Index | None) -> tuple[str, ...]:
    """The attributes that say where in a table or an index an item is."""
    keys = table.schema.key.names
    return keys if index is None else tuple(dict.fromkeys((*keys, *index.key.names)))


def _held(table: Table, index: Index | None) -> Iterator[Item]:
    """What a table or an index holds."""
    for item in table.items.values():
        if index is None:
            yield item
        elif all(name in item for name in index.key.names):
            if index.projected is None:
                yield item
            else:
                names = {*_names(table, index), *index.projected}
                yield {name: value for name, value in item.items() if name in names}


@dataclass(frozen=True)
class _Place:
    """The order of items: by partition, then by the range key. What else there is to it, AWS does not say."""

    table: KeySchema
    searched: KeySchema

    def of(self, item: Item) -> tuple[bytes, Decimal | bytes, bytes]:
        """By what items come one after the other."""
        within = None if self.searched.range is None else order(item[self.searched.range])
        return _hashed([item[self.searched.hash]]), within or b"", _hashed([item[name] for name in self.table.names])


def _hashed(values: Sequence[Value]) -> bytes:
    return hashlib.sha256(json.dumps(values).encode()).digest()


def _first_page(items: Sequence[Item], limit: int | None, page_bytes: int) -> list[Item]:
    page: list[Item] = []
    size = 0
    for item in items[:limit]:
        page.append(item)
        size += bytes_of_item(item)
        if size >= page_bytes:
            break
    return page


def _check_start(start: Item, names: Sequence[str], types: Mapping[str, str]) -> None:
    if {*start} != {*names} or any(kind(start[name]) != types[name] for name in names):
        raise InvalidRequest("The provided starting key is invalid")


def _check_keys(condition: Condition, schema: KeySchema, types: Mapping[str, str]) -> None:
    """Hold a query's condition against the keys that it is about.

    Raises:
        InvalidRequest: it is no condition of these keys.
    """
    parts = list(_parts(condition))
    by_name: dict[str, Comparison | Between | Function] = {}
    for name, part, values in parts:
        if name in by_name:
            raise _invalid("KeyConditionExpressions must only contain one condition per key")
        by_name[name] = part
        for value in values if name in schema.names else ():
            if kind(value) != types[name]:
                raise InvalidParameter("Condition parameter type does not match schema type")
            if not bytes_of(value):
                raise InvalidRequest(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute "
                    f"cannot contain an empty string value. Key: {name}"
                )
    match by_name.get(schema.hash):
        case None:
            raise InvalidRequest(f"Query condition missed key schema element: {schema.hash}")
        case Comparison("="):
            pass
        case _:
            raise InvalidRequest("Query key condition not supported")
    strange = {*by_name} - {*schema.names}
    if strange and schema.range is not None and schema.range not in by_name:
        raise InvalidRequest(f"Query condition missed key schema element: {schema.range}")
    if strange:
        raise InvalidRequest("Query key condition not supported")


def _parts(condition: Condition) -> Iterator[tuple[str, Comparison | Between | Function, list[Value]]]:
    match condition:
        case Parentheses(inner):
            yield from _parts(inner)
        case Both(left, right):
            yield from _parts(left)
            yield from _parts(right)
        case Comparison(sign, Path((str(name),)), Literal(value)) if sign in _MIRRORED:
            yield name, condition, [value]
        case Comparison(sign, Literal() as value, Path() as path) if sign in _MIRRORED:
            yield from _parts(Comparison(_MIRRORED[sign], path, value))
        case Between(Path((str(name),)), Literal(least), Literal(most)):
            yield name, condition, [least, most]
        case Function("begins_with", (Path((str(name),)), Literal(value))):
            yield name, condition, [value]
        case _:
            raise _invalid(f"Invalid operator used in KeyConditionExpression: {_operator(condition)}")


def _operator(condition: Condition) -> str:
    match condition:
        case Comparison(sign) | Function(sign):
            return sign
        case Either():
            return "OR"
    return type(condition).__name__.upper()


def _invalid(what: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid KeyConditionExpression: {what}")
