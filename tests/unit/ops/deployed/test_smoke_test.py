"""What the test of a deployment makes of answers, and of a log, that are not as they should be."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from ops.aws.account import Account
from ops.aws.aws_cli import AwsCli
from ops.aws.signed_http import SignedHttp
from ops.deployed import caller, smoke_test
from ops.deployed.caller import SmokeFailed
from tests.unit.ops.example import DEPLOYED

ROLES = "GET /v1/iam/roles"
VEND = "POST /v1/iam/credentials"
TOKEN = "POST /v1/credentials"
REFUSED = (403, '{"Code": "CallerRefused", "Message": "No.", "RequestId": "1"}')
RECORD = '{"event": "credentials.denied", "request_id": "1"}'


@dataclass(frozen=True, slots=True, repr=False)
class Log(AwsCli):
    """An aws that finds these lines, each time the next ones; None is a failure."""

    found: list[str | None] = field(default_factory=list)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if line is None:
            return subprocess.CompletedProcess(arguments, 254, "", "ResourceNotFoundException")
        return subprocess.CompletedProcess(arguments, 0, json.dumps({"events": [{"message": line}]}), "")


@dataclass(frozen=True, slots=True)
class Caller(caller.Caller):
    """Somebody who gets these answers."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> caller.Answer:
        assert bool(token) == (path == "/v1/credentials")
        name = f"{method} {path}"
        return caller.Answer(name, *self.answers[name])


@pytest.fixture
def calling(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Caller]:
    """Makes a caller; time does not pass for it, but at each look a second."""
    clock = [0.0]
    monkeypatch.setattr("ops.deployed.smoke_test.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("ops.deployed.smoke_test.time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))

    def make(*found: str | None, **answers: tuple[int, str]) -> Caller:
        account = Account(Log({}, list(found)), "1" * 12, "eu-west-1", "arn:x")
        asked = {ROLES: REFUSED, VEND: REFUSED, TOKEN: (401, '{"Code": "InvalidToken"}')}
        names = {"roles": ROLES, "vend": VEND, "token": TOKEN, "keys": "GET /.well-known/jwks.json"}
        asked |= {names[name]: answer for name, answer in answers.items()}
        return Caller(account, DEPLOYED, cast(SignedHttp, None), 9.0, asked)

    return make


@pytest.mark.parametrize("line", ['{"event": "cred', "[1]", '{"request_id": "1"}'])
def test_a_record_that_is_cut_off_is_none(calling: Callable[..., Caller], line: str) -> None:
    with pytest.raises(SmokeFailed):
        smoke_test._recorded_dry_run(calling(line))


def test_a_log_that_cannot_be_read_yet_is_read_again(calling: Callable[..., Caller]) -> None:
    assert "recorded as credentials.denied" in smoke_test._recorded_dry_run(calling(None, '{"torn', RECORD))
    with pytest.raises(SmokeFailed, match="ResourceNotFoundException"):
        smoke_test._recorded_dry_run(calling(None))


@pytest.mark.parametrize(
    "answers",
    [
        {"roles": (502, '{"message": "Internal server error"}')},
        {"roles": (200, "{}")},
        {"roles": (200, '{"Roles": [{"Role": "x"}]}')},
        {"roles": (200, '{"Roles": [1]}')},
        {"vend": (403, '{"Code": "CallerRefused"}')},
    ],
)
def test_an_answer_of_another_form_is_a_failure(
    calling: Callable[..., Caller], answers: dict[str, tuple[int, str]]
) -> None:
    with pytest.raises(SmokeFailed, match="answers"):
        smoke_test._recorded_dry_run(calling(RECORD, **answers))


@pytest.mark.parametrize("answer", [(200, "{}"), (403, '{"message": "Forbidden"}'), (401, '{"message": "no"}')])
def test_the_door_for_tokens_must_refuse_what_is_none(calling: Callable[..., Caller], answer: tuple[int, str]) -> None:
    assert "InvalidToken" in smoke_test._refused_token(calling(RECORD))
    with pytest.raises(SmokeFailed, match="POST /v1/credentials answers"):
        smoke_test._refused_token(calling(RECORD, token=answer))


def test_keys_that_are_published_are_counted_and_that_there_are_none_is_a_failure(
    calling: Callable[..., Caller],
) -> None:
    assert smoke_test._public_keys(calling(None, keys=(200, '{"keys": [{"kid": "a"}]}'))) == "1 published"
    for answer in ((503, '{"Code": "KeysUnavailable"}'), (404, "{}"), (200, '{"keys": []}'), (200, "{}")):
        with pytest.raises(SmokeFailed, match=r"GET /\.well-known/jwks\.json answers"):
            smoke_test._public_keys(calling(None, keys=answer))
