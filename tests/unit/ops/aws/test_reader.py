"""Why AWS does not say something is told apart."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from ops.aws.reader import NotTold, Reader
from ops.errors import OperationFailed


class Raising:
    """A client that raises, or answers."""

    def __init__(self, outcome: object) -> None:
        self.meta = type(
            "Meta", (), {"method_to_api_mapping": {"describe_stacks": "DescribeStacks", "invoke": "Invoke"}}
        )
        self._outcome = outcome

    def describe_stacks(self, **_: object) -> object:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    invoke = describe_stacks

    def get_paginator(self, method: str) -> "Raising":
        return self

    def paginate(self, **_: object) -> Iterator[object]:
        yield self.describe_stacks()


def reader(outcome: object) -> Reader:
    made: Any = Reader("eu-west-1")
    made._clients = {"cloudformation": Raising(outcome), "lambda": Raising(outcome)}
    return made  # type: ignore[no-any-return]


def error(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("raised", "why", "right"),
    [
        (error("AccessDenied"), "denied", "cloudformation:DescribeStacks"),
        (error("AccessDeniedException"), "denied", "cloudformation:DescribeStacks"),
        (error("ValidationError", "Stack with id x does not exist"), "gone", ""),
        (error("ValidationError", "1 validation error"), "failed", ""),
        (error("ResourceNotFoundException"), "gone", ""),
        (error("Throttling"), "failed", ""),
        (EndpointConnectionError(endpoint_url="https://x"), "failed", ""),
    ],
)
def test_what_is_not_said_is_told_apart(raised: Exception, why: str, right: str) -> None:
    for ask in ("ask", "every"):
        with pytest.raises(NotTold) as told:
            getattr(reader(raised), ask)(
                "cloudformation", "describe_stacks", **({"key": "x"} if ask == "every" else {})
            )
        assert (told.value.why, told.value.right) == (why, right)


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "IncompleteSignature", "InvalidClientTokenId", "UnrecognizedClientException"]
)
def test_credentials_that_aws_does_not_take_end_it_all(code: str) -> None:
    with pytest.raises(OperationFailed, match=f"does not take your credentials \\({code}\\)"):
        reader(error(code)).ask("cloudformation", "describe_stacks")


def test_no_credentials_say_how_to_get_some() -> None:
    with pytest.raises(OperationFailed, match="set AWS_PROFILE, or sign in"):
        reader(NoCredentialsError()).ask("cloudformation", "describe_stacks")


def test_the_right_to_invoke_is_called_as_iam_calls_it() -> None:
    with pytest.raises(NotTold) as told:
        reader(error("AccessDeniedException")).invoke("f", {})
    assert told.value.right == "lambda:InvokeFunction"


def test_a_function_that_failed_is_not_taken_for_an_answer() -> None:
    for payload, more in (({"errorType": "AuditFailed"}, {"FunctionError": "Unhandled"}), ([], {}), (None, {})):
        body = b"" if payload is None else json.dumps(payload).encode()
        with pytest.raises(NotTold, match="function f failed"):
            reader({"Payload": io.BytesIO(body), **more}).invoke("f", {})
    assert reader({"Payload": io.BytesIO(b'{"a": 1}')}).invoke("f", {}) == {"a": 1}
