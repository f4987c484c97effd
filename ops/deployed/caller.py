"""Somebody who calls a deployed service, as its callers do, and what is answered."""

import json
from dataclasses import dataclass
from typing import cast

from ops.aws.account import Account
from ops.aws.signed_http import NotAnswered, SignedHttp
from ops.deployed.deployment import Deployment
from ops.documents.json_object import Json, json_object
from ops.errors import CommandFailed
from ops.iam.statements import invoke_statement


class SmokeFailed(CommandFailed):
    """What is deployed does not do what it should; says what."""


class NotAllowed(SmokeFailed):
    """Whoever tests may not, and waiting does not help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the service, or of API Gateway in its place."""

    request: str
    status: int
    text: str

    @property
    def body(self) -> Json:
        return json_object(self.text)

    @property
    def code(self) -> str | None:
        """What a refusal of credvend's calls itself."""
        return cast(str | None, self.body.get("Code"))

    def told(self, name: str) -> object:
        """A field that every answer of its kind has.

        Raises:
            SmokeFailed: it does not.
        """
        if name not in self.body:
            raise self.unexpected()
        return self.body[name]

    def unexpected(self) -> SmokeFailed:
        return SmokeFailed(f"{self.request} answers {self.status}: {self.text[:500]}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls a deployed service, and waits so many seconds until it does as it should."""

    account: Account
    deployed: Deployment
    http: SignedHttp
    patience: float

    def ask(self, method: str, path: str, body: Json | None = None, token: str = "") -> Answer:
        """Send a request, signed where the route is for those who sign.

        Args:
            token: for the other routes.

        Raises:
            SmokeFailed: nothing answers, or API Gateway lets us not in.
        """
        name = f"{method} {path}"
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"User-Agent": "credvend-smoke-test"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            sent = self.http.send(method, self.deployed.url + path, data, headers, sign=path.startswith("/v1/iam/"))
        except NotAnswered as error:
            raise SmokeFailed(f"{name} is not answered: {error}") from None
        answer = Answer(name, sent.status, sent.text)
        if answer.status == 403 and "execute-api:Invoke" in answer.text:
            statement = json.dumps(invoke_statement(self.deployed.api_arn), indent=2)
            raise NotAllowed(
                f"{self.account.arn} may not call {name}, so nobody knows whether it works. Whoever deploys needs this "
                f"in an IAM policy; `arn:...:*/*/*/v1/iam/*` as resource also covers APIs to come:\n{statement}"
            )
        return answer
