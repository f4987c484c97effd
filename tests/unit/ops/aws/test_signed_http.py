"""Whatever keeps a request from being answered is one thing to whoever sent it."""

from collections.abc import Callable
from typing import cast

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import URLLib3Session

from ops.aws.signed_http import NotAnswered, SignedHttp

URL = "https://abc.execute-api.eu-west-1.amazonaws.com/v1/health"
# What botocore's session raises: https://github.com/boto/botocore/blob/develop/botocore/httpsession.py
RAISED: list[Callable[[], Exception]] = [
    lambda: EndpointConnectionError(endpoint_url=URL, error="Name or service not known"),
    lambda: ConnectTimeoutError(endpoint_url=URL),
    lambda: ConnectionClosedError(endpoint_url=URL),
    lambda: ReadTimeoutError(endpoint_url=URL),
    lambda: ProxyConnectionError(proxy_url="http://proxy.example.com"),
    lambda: SSLError(endpoint_url=URL, error=ValueError("certificate verify failed")),
    lambda: HTTPClientError(error="anything"),
]


class Failing:
    def __init__(self, raised: Exception) -> None:
        self._raised = raised

    def send(self, request: object) -> None:
        raise self._raised


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised()).__name__)
def test_a_request_that_is_not_answered_says_why(raised: Callable[[], Exception]) -> None:
    error = raised()
    http = SignedHttp(Credentials("AKIA", "secret"), "eu-west-1", cast(URLLib3Session, Failing(error)))
    with pytest.raises(NotAnswered) as said:
        http.send("GET", URL, b"", {}, sign=True)
    assert str(said.value) == str(error)
