"""Reads what AWS says of what is deployed, service by service, and tells apart why it does not say something."""

import json
import threading
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from ops.aws.refusals import NOT_TAKEN, not_taken
from ops.documents.json_object import Json
from ops.errors import OperationFailed

_CONNECT_SECONDS: Final = 5
# Longer than the doctor's own time limit.
READ_SECONDS: Final = 130
# One invocation of the doctor runs at a time: whoever comes second waits.
_ATTEMPTS: Final = 8
CONNECTIONS: Final = 16
_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation"}
)
_GONE: Final = frozenset(
    {
        *("NoSuchEntity", "NoSuchEntityException", "ResourceNotFound", "ResourceNotFoundException"),
        "NotFoundException",  # KMS
    }
)
# Where the right is called otherwise than the operation:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
_RIGHTS: Final = {"lambda:Invoke": "lambda:InvokeFunction"}

Why = Literal["denied", "gone", "failed"]


class NotTold(Exception):
    """AWS did not say it.

    Attributes:
        right: what the credentials would need; empty where it is not for want of a right.
        why: `denied`: for want of that right. `gone`: it is not there. `failed`: anything else.
    """

    def __init__(self, message: str, why: Why, right: str = "") -> None:
        super().__init__(message)
        self.why, self.right = why, right


class Aws(Protocol):
    """What is asked of AWS. All of it may be asked by several threads at once."""

    def ask(self, service: str, method: str, **arguments: object) -> Json:
        """What one call answers, as botocore calls service and method.

        Raises:
            NotTold: it answers nothing.
            OperationFailed: no credentials, or none that AWS takes.
        """

    def every(self, service: str, method: str, key: str, **arguments: object) -> list[Json]:
        """All that is listed under a key, of all pages.

        Raises:
            NotTold, OperationFailed: as above.
        """

    def invoke(self, function: str, event: Mapping[str, object]) -> Json:
        """What a Lambda function answers.

        Raises:
            NotTold: it failed, or may not be invoked.
            OperationFailed: as above.
        """


class Reader:
    """AWS, with the credentials of the environment."""

    def __init__(self, region: str) -> None:
        """Nothing is asked yet.

        Raises:
            OperationFailed: a profile that is not there.
        """
        try:
            self._session = boto3.Session(region_name=region)
        except BotoCoreError as error:
            raise OperationFailed(f"Your AWS configuration does not work: {error}") from None
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=CONNECTIONS,
        )
        self._clients: dict[str, Any] = {}
        # boto3's session makes one client at a time: https://docs.aws.amazon.com/boto3/latest/guide/clients.html
        self._one_at_a_time = threading.Lock()

    def ask(self, service: str, method: str, **arguments: object) -> Json:
        """As `Aws` says."""
        client = self._client(service)
        with _Explained(service, client.meta.method_to_api_mapping[method]):
            return cast(Json, getattr(client, method)(**arguments))

    def every(self, service: str, method: str, key: str, **arguments: object) -> list[Json]:
        """As `Aws` says."""
        client = self._client(service)
        with _Explained(service, client.meta.method_to_api_mapping[method]):
            pages = client.get_paginator(method).paginate(**arguments)
            return [one for page in pages for one in cast(list[Json], page.get(key) or [])]

    def invoke(self, function: str, event: Mapping[str, object]) -> Json:
        """As `Aws` says."""
        answer = self.ask("lambda", "invoke", FunctionName=function, Payload=json.dumps(event).encode())
        text = cast(Any, answer["Payload"]).read().decode()
        told: object = json.loads(text) if text else None
        if "FunctionError" in answer or not isinstance(told, dict):
            kind = told.get("errorType") if isinstance(told, dict) else "no answer"
            raise NotTold(f"function {function} failed ({kind}): its log tells why", "failed")
        return cast(Json, told)

    def _client(self, service: str) -> Any:
        with self._one_at_a_time:
            if service not in self._clients:
                try:
                    self._clients[service] = self._session.client(service, config=self._config)  # type: ignore[call-overload]
                except BotoCoreError as error:
                    raise OperationFailed(f"Your AWS configuration does not work: {error}") from None
            return self._clients[service]


class _Explained:
    """What AWS and botocore say within it, told apart."""

    def __init__(self, service: str, operation: str) -> None:
        self._asked = f"{service}:{operation}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            raise OperationFailed("No AWS credentials: set AWS_PROFILE, or sign in.") from None
        if isinstance(error, ClientError):
            raise self._told(error) from None
        if isinstance(error, BotoCoreError):
            raise NotTold(f"{self._asked} is not answered: {error}", "failed") from None

    def _told(self, error: ClientError) -> Exception:
        said = error.response.get("Error", {})
        code, message = said.get("Code", "Unknown"), said.get("Message", "")
        if code in NOT_TAKEN:
            return OperationFailed(not_taken(code))
        if code in _DENIED:
            right = _RIGHTS.get(self._asked, self._asked)
            return NotTold(f"your AWS credentials do not give you {right}", "denied", right)
        # CloudFormation has no code of its own for a stack that is not there.
        is_gone = code in _GONE or (code == "ValidationError" and "does not exist" in message)
        return NotTold(f"{self._asked} answers {code}: {message}", "gone" if is_gone else "failed")
