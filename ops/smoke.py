"""Does what is deployed work? Asked through its URL, as callers ask: `python -m ops.smoke STAGE`.

Health; who we are, signed with SigV4; that a token which is none is refused; a dry run of a vend, and its audit record
in the log group; and whether what answers has the configuration that was deployed. Nothing is vended.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, cast

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from ops.aws.account import Account, find_account
from ops.cloudformation.stack import find_stack
from ops.deployed.deployment import Deployment, deployment_of
from ops.documents.json_object import Json
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.iam.statements import invoke_statement
from ops.stages.stage import read_stage
from ops.terminal.say import say

# What was just made is not everywhere at once: new rights, routes and log events take seconds to arrive.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
PATIENCE_SECONDS: Final = 60.0
# A record that was lost, for want of rights that had not arrived, does not come later: ask again then.
_RECORD_PART: Final = 1 / 3
# More than the function's own time limit.
_ANSWER_SECONDS: Final = 30
_CLOCK_SKEW_SECONDS: Final = 300
_NOBODY: Final = "smoke-test"
_REASON: Final = "smoke test of the deployment"
_Found = TypeVar("_Found")


class SmokeFailed(CommandFailed):
    """What is deployed does not do what it should; says what."""


class _NotAllowed(SmokeFailed):
    """Whoever tests may not, and waiting does not help."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of the service, or of API Gateway in its place."""

    request: str
    status: int
    text: str

    @property
    def body(self) -> Json:
        return _json_object(self.text)

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
class _Caller:
    """Somebody who calls a deployed service, and waits so many seconds until it does as it should."""

    account: Account
    deployed: Deployment
    credentials: Credentials
    http: URLLib3Session
    patience: float

    def ask(self, method: str, path: str, body: Json | None = None, token: str = "") -> _Answer:
        """Send a request, signed where the route is for those who sign.

        Args:
            token: for the other routes.

        Raises:
            SmokeFailed: nothing answers, or API Gateway lets us not in.
        """
        data = b"" if body is None else json.dumps(body).encode()
        request = AWSRequest(method, self.deployed.url + path, data=data, headers={"User-Agent": "credvend-smoke-test"})
        if body is not None:
            request.headers["Content-Type"] = "application/json"
        if path.startswith("/v1/iam/"):
            SigV4Auth(self.credentials, "execute-api", self.account.region).add_auth(request)
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        name = f"{method} {path}"
        try:
            sent = self.http.send(request.prepare())
        except HTTPClientError as error:
            raise SmokeFailed(f"{name} is not answered: {error}") from None
        answer = _Answer(name, sent.status_code, sent.content.decode(errors="replace"))
        if answer.status == 403 and "execute-api:Invoke" in answer.text:
            statement = json.dumps(invoke_statement(self.deployed.api_arn), indent=2)
            raise _NotAllowed(
                f"{self.account.arn} may not call {name}, so nobody knows whether it works. Whoever deploys needs this "
                f"in an IAM policy; `arn:...:*/*/*/v1/iam/*` as resource also covers APIs to come:\n{statement}"
            )
        return answer


def smoke_test(account: Account, deployed: Deployment, patience: float = PATIENCE_SECONDS) -> None:
    """Test what is deployed; each step is said.

    Args:
        patience: seconds that each step may fail for what has not arrived yet.

    Raises:
        SmokeFailed: it does not work; says what does not, and with which answer.
        CommandFailed: it could not be tested.
    """
    say(f"Testing {deployed.url} ...")
    bundle = account.aws.environment.get("AWS_CA_BUNDLE") or True
    # It takes the path of a bundle as well, which its types do not say.
    http = URLLib3Session(cast(bool, bundle), proxies=get_environ_proxies(deployed.url), timeout=_ANSWER_SECONDS)
    caller = _Caller(account, deployed, account.credentials(), http, patience)
    for name, check in (
        ("health", _health),
        ("signed whoami", _whoami),
        ("a token that is none", _refused_token),
        ("configuration", _configuration),
        ("dry run, and its audit record", _recorded_dry_run),
    ):
        found = _eventually(partial(check, caller), patience)
        say(f"  {name}: {found}")


def _health(caller: _Caller) -> str:
    answer = caller.ask("GET", "/v1/health")
    if answer.status != 200 or answer.body != {"Status": "ok"}:
        raise answer.unexpected()
    return "ok"


def _whoami(caller: _Caller) -> str:
    answer = caller.ask("GET", "/v1/iam/whoami")
    if answer.code == "CallerRefused":  # by credvend itself, which knows who we are
        return f"refused: {answer.told('Message')}"
    if answer.status != 200 or answer.body.get("Arn") != caller.account.arn:
        raise answer.unexpected()
    return str(answer.body["Arn"])


def _refused_token(caller: _Caller) -> str:
    """The routes without a signature are there, and let in nobody who proves nothing."""
    answer = caller.ask("POST", "/v1/credentials", {"role": _NOBODY, "reason": _REASON, "dry_run": True}, token=_NOBODY)
    if answer.status != 401 or answer.code != "InvalidToken":
        raise answer.unexpected()
    return f"refused, as it should be ({answer.code})"


def _configuration(caller: _Caller) -> str:
    if not caller.deployed.configuration:
        return "not known, for it was deployed by an earlier version"
    answer = caller.ask("GET", "/v1/iam/health")
    if answer.code == "CallerRefused":
        return "not told to this caller; the audit record says it"
    if answer.status != 200 or answer.body.get("Configuration") != caller.deployed.configuration:
        raise SmokeFailed(
            f"{answer.unexpected()}\nThe configuration that was deployed is {caller.deployed.configuration}."
        )
    return caller.deployed.configuration


def _recorded_dry_run(caller: _Caller) -> str:
    """A dry run is decided and recorded as a vend is. Whom policies permit nothing is refused, and that is well."""
    role = _permitted_role(caller)
    since = int((time.time() - _CLOCK_SKEW_SECONDS) * 1000)
    asked: Json = {"role": role or _NOBODY, "reason": _REASON, "dry_run": True}
    answer = caller.ask("POST", "/v1/iam/credentials", asked)
    expected = ("credentials.requested", f"would vend {role}") if answer.status == 200 else _refusal(answer, role)
    record = _record(caller, str(answer.told("RequestId")), since)
    if record.get("event") != expected[0]:
        raise SmokeFailed(f"The audit record of {answer.request} is of another event: {json.dumps(record)}")
    if caller.deployed.configuration not in ("", record.get("configuration")):
        raise SmokeFailed(
            f"The audit record of {answer.request} names configuration {record.get('configuration')}; the one that was "
            f"deployed is {caller.deployed.configuration}."
        )
    return f"{expected[1]}; recorded as {record['event']}"


def _permitted_role(caller: _Caller) -> str | None:
    """A role that policies let us have as it is, or None."""
    answer = caller.ask("GET", "/v1/iam/roles")
    if answer.code == "CallerRefused":
        return None
    if answer.status != 200:
        raise answer.unexpected()
    roles = cast(list[dict[str, object]], answer.told("Roles"))
    try:
        plain = [role for role in roles if not any(param["Required"] for param in cast(list[Json], role["Params"]))]
        return str(plain[0]["Role"]) if plain else None
    except (KeyError, TypeError):
        raise answer.unexpected() from None


def _refusal(answer: _Answer, role: str | None) -> tuple[str, str]:
    """Event and meaning of a refusal that is well: of a caller that is not served, or that no policy permits a role."""
    if answer.code == "CallerRefused" or (answer.code == "AccessDenied" and role is None):
        return "credentials.denied", f"refused, as it should be ({answer.code})"
    # The policies permit the role, but not as it is: without its claims or tags, say.
    if role is not None and answer.code in ("AccessDenied", "InvalidRequest"):
        return "credentials.denied", f"refused {role}: {answer.told('Message')}"
    raise answer.unexpected()


def _record(caller: _Caller, request_id: str, since: int) -> Json:
    """The audit record of a request.

    Args:
        since: milliseconds since 1970.
    """
    group = caller.deployed.log_group
    query = ["--log-group-name", group, "--start-time", str(since), "--filter-pattern", f'"{request_id}"']

    def look() -> Json:
        try:
            found = caller.account.aws.json("logs", "filter-log-events", *query)
        except CommandFailed as error:  # the right to it, or the log group, may be new
            raise SmokeFailed(str(error)) from None
        for event in cast(list[dict[str, str]], found.get("events", [])):
            record = _json_object(event["message"])
            if record.get("request_id") == request_id:
                return record
        raise SmokeFailed(f"The audit record of request {request_id} does not arrive in log group {group}.")

    return _eventually(look, caller.patience * _RECORD_PART)


def _json_object(text: str) -> Json:
    """The object that a text is as JSON, or else an empty one: a line of the log that is cut off, say."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return cast(Json, found) if isinstance(found, dict) else {}


def _eventually(look: Callable[[], _Found], seconds: float) -> _Found:
    """What a look finds, which fails until something has arrived; how it failed last, where that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except SmokeFailed as failure:
            if isinstance(failure, _NotAllowed) or time.monotonic() + 1 > deadline:
                raise
        time.sleep(1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.smoke", description="Test a deployed credvend.")
    parser.add_argument("stage", help="a stage of .chalice/config.json")
    name = parser.parse_args(arguments).stage
    try:
        stage = read_stage(ROOT, name)
        account = find_account(os.environ)
        stack = find_stack(account.aws, stage.stack)
        if stack is None:
            raise CommandFailed(
                f"There is no stack {stage.stack} in account {account.number}, {account.region}: "
                f"make deploy STAGE={name} makes it."
            )
        smoke_test(account, deployment_of(account, stack))
    except SmokeFailed as error:
        say(f"The smoke test of stage {name} failed.\n{error}")
        return 1
    except CommandFailed as error:
        say(f"Stage {name} could not be tested: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    say("All is well.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
