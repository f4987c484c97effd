"""Tables: their keys, their indexes, and their items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from testing.dynamodb.refused import InvalidParameter, InvalidRequest
from testing.dynamodb.values import MOST_BYTES_OF_ITEM, Item, Value, bytes_of, bytes_of_item, copy_of, kind

Key = tuple[tuple[str, str], ...]
"""What tells an item from the others: type and content of the attributes of its key."""
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_MOST_BYTES_OF_HASH_KEY: Final = 2048
_MOST_BYTES_OF_RANGE_KEY: Final = 1024


@dataclass(frozen=True)
class KeySchema:
    """The attributes that find an item in a table or an index."""

    hash: str
    range: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """They, in order."""
        return (self.hash,) if self.range is None else (self.hash, self.range)

    @classmethod
    def of(cls, schema: object) -> "KeySchema":
        """That of a parameter KeySchema."""
        parts = {part["KeyType"]: part["AttributeName"] for part in cast(list[dict[str, str]], schema)}
        return cls(parts["HASH"], parts.get("RANGE"))


@dataclass(frozen=True)
class Index:
    """A global secondary index.

    Attributes:
        projected: the attributes it holds besides the keys; None: all.
    """

    name: str
    key: KeySchema
    projected: tuple[str, ...] | None


@dataclass(frozen=True)
class Schema:
    """What a table is like.

    Attributes:
        types: of the attributes in keys.
        ttl: the attribute that says when an item may be deleted; None: they stay.
    """

    name: str
    key: KeySchema
    types: Mapping[str, str]
    indexes: Mapping[str, Index] = field(default_factory=dict)
    ttl: str | None = None

    @classmethod
    def of(cls, properties: Mapping[str, object]) -> "Schema":
        """That of a request CreateTable, or of a resource AWS::DynamoDB::Table."""
        given = cast(Mapping[str, list[dict[str, str]]], properties)
        types = {one["AttributeName"]: one["AttributeType"] for one in given["AttributeDefinitions"]}
        indexes = {}
        for one in cast(list[dict[str, object]], properties.get("GlobalSecondaryIndexes", [])):
            projection = cast(dict[str, object], one["Projection"])
            included = tuple(cast(list[str], projection.get("NonKeyAttributes", [])))
            projected = None if projection["ProjectionType"] == "ALL" else included
            indexes[str(one["IndexName"])] = Index(str(one["IndexName"]), KeySchema.of(one["KeySchema"]), projected)
        ttl = cast(dict[str, str], properties.get("TimeToLiveSpecification", {})).get("AttributeName")
        schema = cls(str(properties["TableName"]), KeySchema.of(properties["KeySchema"]), types, indexes, ttl)
        used = {name for key in (schema.key, *(one.key for one in indexes.values())) for name in key.names}
        if used != set(types):
            raise InvalidParameter(
                f"Number of attributes in KeySchema does not exactly match number of attributes defined in "
                f"AttributeDefinitions: {sorted(used)}, {sorted(types)}"
            )
        return schema


@dataclass(frozen=True)
class Change:
    """An item before and after it was written, as a table's stream tells it."""

    old: Item | None
    new: Item | None

    def copy(self) -> "Change":
        """The same, of items of their own."""
        return Change(*(None if item is None else copy_of(item) for item in (self.old, self.new)))


class Table:
    """A table and its items. It is not safe for threads: who uses it has to be.

    Attributes:
        items: the items themselves; none of them is changed in place.
        changes: all that was written, in order.
    """

    def __init__(self, schema: Schema) -> None:
        """An empty one."""
        self.schema = schema
        self.items: dict[Key, Item] = {}
        self.changes: list[Change] = []

    def key_of_request(self, key: Item) -> Key:
        """The key that a request names.

        Raises:
            InvalidRequest: it is not one of this table.
        """
        schema = self.schema
        if {*key} != {*schema.key.names} or any(kind(key[name]) != schema.types[name] for name in schema.key.names):
            raise InvalidRequest("The provided key element does not match the schema")
        return self._checked_key(key)

    def key_of_item(self, item: Item) -> Key:
        """The key of an item, which has to be fit for the indexes, too.

        Raises:
            InvalidRequest: it has none, or it does not fit.
        """
        for name in self.schema.key.names:
            if name not in item:
                raise InvalidParameter(f"Missing the key {name} in the item")
            if kind(item[name]) != self.schema.types[name]:
                raise InvalidParameter(
                    f"Type mismatch for key {name} expected: {self.schema.types[name]} actual: {kind(item[name])}"
                )
        key = self._checked_key(item)
        self.check_item(item)
        return key

    def _checked_key(self, item: Item) -> Key:
        for name in self.schema.key.names:
            size = bytes_of(item[name])
            if size == 0:
                raise InvalidRequest(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute "
                    f"cannot contain an empty string value. Key: {name}"
                )
            if name == self.schema.key.hash and size > _MOST_BYTES_OF_HASH_KEY:
                raise InvalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
            if name == self.schema.key.range and size > _MOST_BYTES_OF_RANGE_KEY:
                raise InvalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
        return key_in(item, self.schema.key)

    def check_item(self, item: Item) -> None:
        """Whether an item is fit for the indexes, and not too large.

        Raises:
            InvalidRequest: it is not.
        """
        for index in self.schema.indexes.values():
            for name in index.key.names:
                if name in item:
                    self._check_index_key(index, name, item[name])
        if bytes_of_item(item) > MOST_BYTES_OF_ITEM:
            raise InvalidRequest("Item size has exceeded the maximum allowed size")

    def _check_index_key(self, index: Index, name: str, value: Value) -> None:
        if kind(value) != self.schema.types[name]:
            raise InvalidParameter(
                f"Type mismatch for Index Key {name} Expected: {self.schema.types[name]} Actual: {kind(value)} "
                f"IndexName: {index.name}"
            )
        most = _MOST_BYTES_OF_HASH_KEY if name == index.key.hash else _MOST_BYTES_OF_RANGE_KEY
        if not 0 < bytes_of(value) <= most:
            raise InvalidRequest(
                "One or more parameter values are not valid. A value specified for a secondary index key is not "
                "supported. The AttributeValue for a key attribute cannot contain an empty string value, nor one of "
                f"more than {most} bytes. IndexName: {index.name}, IndexKey: {name}"
            )

    def write(self, key: Key, new: Item | None) -> None:
        """Put an item in the place of the one that has its key; None: of that one, nothing remains."""
        old = self.items.get(key)
        if new is None:
            self.items.pop(key, None)
        else:
            self.items[key] = new
        if old != new:
            self.changes.append(Change(old, new))


def key_in(item: Item, schema: KeySchema) -> Key:
    """The values of a key in an item."""
    return tuple((kind(item[name]), str(item[name][kind(item[name])])) for name in schema.names)
