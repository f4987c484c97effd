"""Does what is deployed work? Asked through its URL, as callers ask.

Health; who we are, signed with SigV4; that a token which is none is refused; the public keys of credvend's tokens, if
it has any; a dry run of a vend, and its audit record in the log group; and whether what answers has the configuration
that was deployed. Nothing is vended.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, cast

from chalicelib.signing.documents import KEYS_PATH
from ops.aws.account import Account
from ops.aws.signed_http import signed_http
from ops.deployed.caller import Answer, Caller, NotAllowed, SmokeFailed
from ops.deployed.deployment import Deployment
from ops.documents.json_object import Json, json_object
from ops.errors import CommandFailed
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


def smoke_test(account: Account, deployed: Deployment, patience: float = PATIENCE_SECONDS) -> None:
    """Test what is deployed; each step is said.

    Args:
        patience: seconds that each step may fail for what has not arrived yet.

    Raises:
        SmokeFailed: it does not work; says what does not, and with which answer.
        CommandFailed: it could not be tested.
    """
    say(f"Testing {deployed.url} ...")
    http = signed_http(account, deployed.url, _ANSWER_SECONDS)
    caller = Caller(account, deployed, http, patience)
    for name, check in (
        ("health", _health),
        ("signed whoami", _whoami),
        ("a token that is none", _refused_token),
        *([("keys of its tokens", _public_keys)] if deployed.issuer else []),
        ("configuration", _configuration),
        ("dry run, and its audit record", _recorded_dry_run),
    ):
        found = _eventually(partial(check, caller), patience)
        say(f"  {name}: {found}")


def _health(caller: Caller) -> str:
    answer = caller.ask("GET", "/v1/health")
    if answer.status != 200 or answer.body != {"Status": "ok"}:
        raise answer.unexpected()
    return "ok"


def _whoami(caller: Caller) -> str:
    answer = caller.ask("GET", "/v1/iam/whoami")
    if answer.code == "CallerRefused":  # by credvend itself, which knows who we are
        return f"refused: {answer.told('Message')}"
    if answer.status != 200 or answer.body.get("Arn") != caller.account.arn:
        raise answer.unexpected()
    return str(answer.body["Arn"])


def _refused_token(caller: Caller) -> str:
    """The routes without a signature are there, and let in nobody who proves nothing."""
    answer = caller.ask("POST", "/v1/credentials", {"role": _NOBODY, "reason": _REASON, "dry_run": True}, token=_NOBODY)
    if answer.status != 401 or answer.code != "InvalidToken":
        raise answer.unexpected()
    return f"refused, as it should be ({answer.code})"


def _public_keys(caller: Caller) -> str:
    """The function may read them in KMS, and there are some; what else is published elsewhere is its copy."""
    answer = caller.ask("GET", KEYS_PATH)
    keys = answer.body.get("keys")
    if answer.status != 200 or not isinstance(keys, list) or not keys:
        raise answer.unexpected()
    return f"{len(keys)} published"


def _configuration(caller: Caller) -> str:
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


def _recorded_dry_run(caller: Caller) -> str:
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


def _permitted_role(caller: Caller) -> str | None:
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


def _refusal(answer: Answer, role: str | None) -> tuple[str, str]:
    """Event and meaning of a refusal that is well: of a caller that is not served, or that no policy permits a role."""
    if answer.code == "CallerRefused" or (answer.code == "AccessDenied" and role is None):
        return "credentials.denied", f"refused, as it should be ({answer.code})"
    # The policies permit the role, but not as it is: without its claims or tags, say.
    if role is not None and answer.code in ("AccessDenied", "InvalidRequest"):
        return "credentials.denied", f"refused {role}: {answer.told('Message')}"
    raise answer.unexpected()


def _record(caller: Caller, request_id: str, since: int) -> Json:
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
            record = json_object(event["message"])
            if record.get("request_id") == request_id:
                return record
        raise SmokeFailed(f"The audit record of request {request_id} does not arrive in log group {group}.")

    return _eventually(look, caller.patience * _RECORD_PART)


def _eventually(look: Callable[[], _Found], seconds: float) -> _Found:
    """What a look finds, which fails until something has arrived; how it failed last, where that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except SmokeFailed as failure:
            if isinstance(failure, NotAllowed) or time.monotonic() + 1 > deadline:
                raise
        time.sleep(1)
