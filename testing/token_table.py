"""A table of tokens in memory, behind a real client of DynamoDB: what would go to AWS is answered here."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from testing.clock import Clock
from testing.loopback import Request, Response, json_response, serve

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME: Final = "credvend-test-tokens"
Item = dict[str, dict[str, object]]
_PLACE = re.compile(r"[#:]\w+|\b(?:[a-z]\w*)\b(?!\()")


@dataclass
class TokenTable:
    """What DynamoDB was asked, and what it will answer.

    Attributes:
        items: what the table holds, by hash.
        asked: each operation and its parameters.
        failures: answers to the next calls: an error code of AWS; an exception, instead of an answer; None: as
            usual.
        clock: DynamoDB's own, which its answers tell; None: they do not.
        attempts: of its client, at each call.
    """

    items: dict[str, Item] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    failures: list[str | Exception | None] = field(default_factory=list)
    clock: Clock | None = None
    attempts: int = 1
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def client(self) -> "DynamoDBClient":
        client = boto3.client(
            "dynamodb",
            region_name="ap-northeast-2",
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"mode": "standard", "total_max_attempts": self.attempts}),
        )
        client.meta.events.register("before-send.dynamodb.*", cast(Callable[..., None], self._answer))
        return client

    def before(self, operation: str, what: Callable[[], None]) -> None:
        """Have something happen before each call of an operation."""
        self.client.meta.events.register(f"before-call.dynamodb.{operation}", lambda **_: what())

    def operations(self) -> list[str]:
        """The operations since the last look."""
        names = [name for name, _ in self.asked]
        self.asked.clear()
        return names

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        status, body = self.answer(
            target.decode() if isinstance(target, bytes) else str(target), cast(bytes, request.body)
        )
        return _response(request, status, body, {"Date": formatdate(self.clock(), usegmt=True)} if self.clock else {})

    def answer(self, target: str, body: bytes) -> tuple[int, dict[str, object]]:
        """Status and body of the answer to a request; `target` is its header X-Amz-Target."""
        operation = target.partition(".")[2]
        parameters = cast(dict[str, object], json.loads(body))
        self.asked.append((operation, parameters))
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, Exception):
            raise failure
        if failure is None:
            try:
                with self._one_at_a_time:  # as DynamoDB writes an item
                    return 200, self._carry_out(operation, parameters)
            except _Refused as refused:
                failure = str(refused)
        return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{failure}", "message": "no"}

    def _carry_out(self, operation: str, parameters: dict[str, object]) -> dict[str, object]:
        match operation:
            case "GetItem":
                found = self.items.get(_key(parameters))
                return {"Item": found} if found is not None else {}
            case "Scan":
                return {"Items": list(self.items.values())}
            case "TransactWriteItems":
                writes = cast(list[dict[str, dict[str, object]]], parameters["TransactItems"])
                changes = [self._write(*next(iter(write.items()))) for write in writes]
                for hashed, item in changes:
                    self.items[hashed] = item
            case _:
                hashed, item = self._write(operation.removesuffix("Item"), parameters)
                self.items[hashed] = item
        return {}

    def _write(self, kind: str, parameters: dict[str, object]) -> tuple[str, Item]:
        """The hash and the new content of one item; nothing is changed yet."""
        if parameters["TableName"] != NAME:
            raise _Refused("ResourceNotFoundException")
        names = cast(dict[str, str], parameters["ExpressionAttributeNames"])
        values = cast(dict[str, dict[str, object]], parameters.get("ExpressionAttributeValues", {}))
        condition, update = str(parameters["ConditionExpression"]), str(parameters.get("UpdateExpression", ""))
        _refuse_as_dynamodb_would(f"{condition} {update}", names, values)
        new = cast(Item, parameters["Item"]) if kind == "Put" else {}
        hashed = str(new["hash"]["S"]) if kind == "Put" else _key(parameters)
        if not _holds(condition, self.items.get(hashed, {}), names, values):
            raise _Refused("ConditionalCheckFailedException")
        if kind == "Update":
            new = {**self.items.get(hashed, {}), "hash": {"S": hashed}}
            for assignment in update.removeprefix("SET ").split(", "):
                name, value = assignment.split(" = ")
                new[names[name]] = values[value]
        return hashed, new


class _Refused(Exception):
    """The code of an error of DynamoDB."""


def _key(parameters: Mapping[str, object]) -> str:
    if parameters["TableName"] != NAME:
        raise _Refused("ResourceNotFoundException")
    return str(cast(Item, parameters["Key"])["hash"]["S"])


def _refuse_as_dynamodb_would(expressions: str, names: Mapping[str, str], values: Mapping[str, object]) -> None:
    """Many words are reserved (hash, name, owner, ttl), so that all go by a placeholder; each of them must be used."""
    if set(_PLACE.findall(expressions)) != {*names, *values}:
        raise _Refused("ValidationException")


def _holds(condition: str, item: Item, names: Mapping[str, str], values: Mapping[str, dict[str, object]]) -> bool:
    """Whether a condition is true of an item: the few kinds of conditions that credvend has."""
    for word, combine in ((" OR ", any), (" AND ", all)):
        parts = list(_split(condition, word))
        if len(parts) > 1:
            return combine(_holds(part, item, names, values) for part in parts)
    if condition.startswith("("):
        return _holds(condition[1:-1], item, names, values)
    if match := re.fullmatch(r"attribute_(not_)?exists\((#\w+)\)", condition):
        return (names[match[2]] in item) is (match[1] is None)
    name, operator, value = condition.split(" ")
    found = item.get(names[name])
    if operator == "=":
        return found == values[value]
    assert operator == "<="
    return found is not None and int(str(found["N"])) <= int(str(values[value]["N"]))


def _split(condition: str, word: str) -> Iterator[str]:
    """The parts of a condition between a word, where that stands outside of parentheses."""
    depth = start = 0
    for index, character in enumerate(condition):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and condition.startswith(word, index):
            yield condition[start:index]
            start = index + len(word)
    yield condition[start:]


@contextmanager
def served(table: TokenTable) -> Iterator[str]:
    """The table on loopback, for another process: where it is."""

    def answer(request: Request) -> Response:
        status, body = table.answer(request.headers["X-Amz-Target"], request.body)
        return json_response(body, status, "application/x-amz-json-1.0")

    with serve(answer) as server:
        yield server.url


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _response(
    request: AWSPreparedRequest, status: int, body: dict[str, object], more: Mapping[str, str]
) -> AWSResponse:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "REQUEST", **more}
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Body(json.dumps(body).encode()))
