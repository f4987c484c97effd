"""Whoever works on the tables of a stage: their client, their clock, and who they are."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ops.aws.aws_clock import AwsClock
from ops.aws.caller_identity import caller_arn
from ops.aws.dynamodb import dynamodb_client, explained
from ops.aws.region import find_region
from ops.errors import CommandFailed, OperationFailed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, with AWS credentials and a region.

    Attributes:
        client: of DynamoDB, for up to 16 threads.
        clock: AWS's, which tables go by: this computer's may be another.
        who: the ARN of the operator, which is kept with what is done; raises `OperationFailed`.
        warn: told of what is wrong and keeps nothing from being done.
    """

    client: "DynamoDBClient"
    clock: AwsClock
    who: Callable[[], str]
    warn: Callable[[str], None]

    def now(self) -> int:
        """Whole seconds since 1970, UTC, by AWS's clock."""
        return self.clock.now()

    def who_if_told(self) -> str:
        """Who it is; what is urgent does not wait for STS to tell it."""
        try:
            return self.who()
        except OperationFailed as error:
            self.warn(f"Who did it is not kept with it: {error}")
            return "unknown"

    def asked(self, table: str) -> AbstractContextManager[None]:
        """What DynamoDB says within it, in words that help.

        Args:
            table: its name.

        Raises:
            OperationFailed: DynamoDB did not do it.
        """
        return explained(self.client, table, f"Somebody else changed table {table} at the same moment. Try again.")

    def expect(self, table: str, key: Mapping[str, str]) -> None:
        """Have AWS tell the time, and whether the table is there, before anything is decided.

        Raises:
            OperationFailed: it is not, or may not be read.
        """
        with self.asked(table):
            self.client.get_item(TableName=table, Key={name: {"S": value} for name, value in key.items()})


def operator(
    client: "DynamoDBClient",
    who: Callable[[], str],
    warn: Callable[[str], None],
    clock: Callable[[], float] = time.time,
) -> Operator:
    """An operator whose clock is put right by each answer.

    Args:
        clock: this computer's, in seconds since 1970, UTC.
    """
    at_aws = AwsClock(clock, warn)

    def hear(parsed: Mapping[str, object], **_: object) -> None:
        at_aws.hear(parsed)

    client.meta.events.register("after-call.dynamodb.*", hear)
    return Operator(client, at_aws, who, warn)


def find_operator(warn: Callable[[str], None]) -> Operator:
    """Whoever has the AWS credentials of the environment, in its region.

    Raises:
        OperationFailed: no region, or a profile that is not there.
    """
    try:
        region = find_region(os.environ)
    except CommandFailed as error:
        raise OperationFailed(str(error)) from None
    return operator(dynamodb_client(region), partial(caller_arn, region), warn)
