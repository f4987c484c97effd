"""The tables of a stage in memory, and an operator who works on them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ops.aws.operator import Operator, operator
from testing.clock import Clock
from testing.dynamodb.credvend_tables import ALL
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STAGE = "test"
OPERATOR = "arn:aws:sts::111122223333:assumed-role/Operator/olga"


@dataclass
class StageTables:
    """What the tables hold and were asked; `said` is what an operator is told."""

    clock: Clock = field(default_factory=Clock)
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @cached_property
    def database(self) -> Database:
        return Database(*ALL, clock=self.clock)

    @cached_property
    def client(self) -> "DynamoDBClient":
        return client_of(self.database)

    def operator(self, who: str = OPERATOR, ahead: float = 0) -> Operator:
        """An operator, whose own clock may be ahead by so many seconds."""
        return operator(client_of(self.database), lambda: who, self.said.append, Clock(self.clock.now + ahead))
