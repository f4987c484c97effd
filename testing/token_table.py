"""A table of tokens in memory, behind a real client of DynamoDB, as tests of tokens read and change it."""

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Final

from testing.clock import Clock
from testing.dynamodb import serving
from testing.dynamodb.credvend_tables import ALL, TOKENS
from testing.dynamodb.database import Database, Json
from testing.dynamodb.faults import Scripted
from testing.dynamodb.tables import Key
from testing.dynamodb.values import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME: Final = TOKENS.name


class TokenTable:
    """What DynamoDB was asked, and what it will answer. The other tables of credvend are there, too.

    Attributes:
        items: what the table holds, by hash.
        failures: answers to the next calls, as `testing.dynamodb.faults` has them.
    """

    def __init__(
        self,
        items: dict[str, Item] | None = None,
        failures: Iterable[Scripted] = (),
        clock: Clock | None = None,
        attempts: int = 1,
    ) -> None:
        """
        Args:
            clock: DynamoDB's own, which its answers tell; None: they do not.
            attempts: of its client, at each call.
        """
        self.database = Database(*ALL, clock=clock)
        self.items = _ByHash(self.database.table(NAME).items)
        self.items.update(items or {})
        self.failures = self.database.faults.of_any
        self.failures += failures
        self._attempts = attempts

    @cached_property
    def client(self) -> "DynamoDBClient":
        return serving.client_of(self.database, self._attempts)

    @property
    def asked(self) -> list[tuple[str, Json]]:
        """Each operation and its parameters."""
        return [(asked.operation, asked.parameters) for asked in self.database.asked]

    def operations(self) -> list[str]:
        """The operations since the last look."""
        return self.database.operations()

    def before(self, operation: str, what: Callable[[], None]) -> None:
        """Have something happen before each call of an operation."""
        self.client.meta.events.register(f"before-call.dynamodb.{operation}", lambda **_: what())


def served(table: TokenTable) -> AbstractContextManager[str]:
    """The table on loopback, for another process: where it is."""
    return serving.served(table.database)


class _ByHash(MutableMapping[str, Item]):
    """Items of a table by the hash of a token, which is their key."""

    def __init__(self, items: dict[Key, Item]) -> None:
        self._items = items

    def __getitem__(self, hashed: str) -> Item:
        return self._items[(("S", hashed),)]

    def __setitem__(self, hashed: str, item: Item) -> None:
        self._items[(("S", hashed),)] = item

    def __delitem__(self, hashed: str) -> None:
        del self._items[(("S", hashed),)]

    def __iter__(self) -> Iterator[str]:
        return (hashed for ((_, hashed),) in self._items)

    def __len__(self) -> int:
        return len(self._items)
