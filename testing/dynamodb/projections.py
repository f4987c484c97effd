"""Expressions that say which attributes of an item are wanted.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
"""

from collections.abc import Sequence
from typing import cast

from testing.dynamodb.grammar import Path, Reader, member
from testing.dynamodb.updates import refuse_overlaps
from testing.dynamodb.values import Item, Value, kind


def read_projection(reader: Reader) -> list[Path]:
    """A whole projection expression.

    Raises:
        InvalidRequest: it is not one.
    """
    paths: list[Path] = []
    reader.between_commas(lambda: paths.append(reader.path()))
    reader.take("end")
    refuse_overlaps(reader, paths)
    return paths


def project(item: Item, paths: Sequence[Path]) -> Item:
    """What an item has of these."""
    return cast(Item, _part({"M": item}, [path.parts for path in paths])["M"])


def _part(value: Value, paths: Sequence[tuple[str | int, ...]]) -> Value:
    if () in paths:
        return value
    wanted: dict[str | int, list[tuple[str | int, ...]]] = {}
    for first, *more in paths:
        wanted.setdefault(first, []).append(tuple(more))
    found = {part: _part(inside, more) for part, more in wanted.items() if (inside := member(value, part))}
    if kind(value) == "L":
        return {"L": [found[part] for part in sorted(found, key=lambda part: cast(int, part))]}
    return {"M": found}
