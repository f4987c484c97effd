"""The DynamoDB in memory, behind a real client of botocore, or on loopback."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from functools import cache
from typing import TYPE_CHECKING, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.session import Session

from testing.dynamodb.database import Database, NoReply
from testing.loopback import Request, Response, json_response, serve

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MEDIA_TYPE = "application/x-amz-json-1.0"


@cache
def _session() -> Session:
    """What clients share: they take long to make."""
    session = Session()
    session.set_credentials("AKIAEXAMPLE", "secret")
    return session


def client_of(database: Database, attempts: int = 1) -> "DynamoDBClient":
    """A client that asks it, and sends each request as many times at most."""
    config = Config(region_name="ap-northeast-2", retries={"mode": "standard", "total_max_attempts": attempts})
    client = cast("DynamoDBClient", _session().create_client("dynamodb", config=config))
    attach(database, client)
    return client


def attach(database: Database, client: "DynamoDBClient") -> None:
    """From now on, what a client would send to AWS is answered here; a time-out is over at once."""

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        try:
            reply = database.answer(
                target.decode() if isinstance(target, bytes) else str(target), cast(bytes, request.body)
            )
        except NoReply:
            raise ReadTimeoutError(endpoint_url=request.url) from None
        return _response(request, reply.status, reply.body, _headers(database))

    client.meta.events.register("before-send.dynamodb.*", cast(Callable[..., None], answer))


@contextmanager
def served(database: Database) -> Iterator[str]:
    """It on loopback, for another process: where it is. Where an answer is lost, it hangs up."""

    def answer(request: Request) -> Response | None:
        try:
            reply = database.answer(request.headers["X-Amz-Target"], request.body)
        except NoReply:
            return None
        response = json_response(reply.body, reply.status, _MEDIA_TYPE)
        return Response(response.status, response.body, {**response.headers, **_headers(database)})

    with serve(answer) as server:
        yield server.url


def _headers(database: Database) -> dict[str, str]:
    return {"x-amzn-RequestId": "REQUEST", "Date": formatdate(database.clock(), usegmt=True)}


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _response(
    request: AWSPreparedRequest, status: int, body: dict[str, object], more: Mapping[str, str]
) -> AWSResponse:
    headers = {"Content-Type": _MEDIA_TYPE, **more}
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Body(json.dumps(body).encode()))
