"""Inline policies are read and written at IAM, and what it refuses is told in words that say what to do."""

import json
from collections.abc import Iterator

import pytest

from chalicelib.aws.client import session
from chalicelib.revocation.iam import Iam, NotWritten, PolicyFull
from chalicelib.revocation.policy import POLICY_NAME
from testing.iam_server import IamServer, iam_server
from tests.unit.chalicelib.revocation.world import FUNCTION_ARN, INVOCATION

OWN = "111122223333"
ROLE = f"arn:aws:iam::{OWN}:role/deep/path/reader"
ELSEWHERE = "arn:aws:iam::999988887777:role/reader"
DOCUMENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[IamServer]:
    with iam_server() as server:
        for service in ("IAM", "STS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREVOKER")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr("chalicelib.revocation.iam.ATTEMPTS", 1)
        session.cache_clear()
        yield server
    session.cache_clear()


def iam(operator_role: str | None = "path/operator") -> Iam:
    return Iam("eu-west-1", FUNCTION_ARN, operator_role, INVOCATION)


def test_ours_is_written_and_read_and_taken_off(server: IamServer) -> None:
    ours = iam()
    assert ours.current(ROLE) is None
    ours.put(ROLE, DOCUMENT)
    assert server.policies[OWN, "reader"] == {POLICY_NAME: DOCUMENT}
    assert ours.current(ROLE) == json.loads(DOCUMENT)
    ours.delete(ROLE)
    ours.delete(ROLE)  # it is not there any more, which is what was asked for
    assert server.policies[OWN, "reader"] == {}


def test_the_other_policies_of_all_pages_take_room_and_white_space_does_not(server: IamServer) -> None:
    server.page = 2
    spacious = json.dumps(json.loads(DOCUMENT), indent=8)
    server.policies[OWN, "reader"] = {f"p{number}": spacious for number in range(5)} | {POLICY_NAME: DOCUMENT}
    assert iam().room(ROLE) == 10_240 - 5 * len(DOCUMENT)


def test_another_account_s_role_is_changed_through_the_operator_role_which_tells_by_whom(server: IamServer) -> None:
    ours = iam()
    ours.put(ELSEWHERE, DOCUMENT)
    ours.room(ELSEWHERE)
    assert server.policies["999988887777", "reader"] == {POLICY_NAME: DOCUMENT}
    (assumed,) = [asked for asked in server.asked if asked["Action"] == "AssumeRole"]  # once an invocation
    assert assumed["RoleArn"] == "arn:aws:iam::999988887777:role/path/operator"
    assert assumed["RoleSessionName"] == assumed["SourceIdentity"] == f"credvend-revoker-{INVOCATION}"


def test_without_an_operator_role_the_account_is_named(server: IamServer) -> None:
    with pytest.raises(NotWritten, match=r"in account 999988887777.*set `operator_role` in sessions.yaml") as raised:
        iam(None).put(ELSEWHERE, DOCUMENT)
    assert (raised.value.cause, raised.value.passes, server.asked) == ("no_operator_role", False, [])


def test_an_operator_role_that_lets_nobody_in_is_named(server: IamServer) -> None:
    server.refusals = ["AccessDenied"]
    with pytest.raises(NotWritten, match="role/path/operator does not let credvend's revoker in") as raised:
        iam().put(ELSEWHERE, DOCUMENT)
    assert raised.value.cause == "operator_role_denied"


@pytest.mark.parametrize(
    ("code", "cause", "passes", "words"),
    [
        ("NoSuchEntity", "role_gone", False, "is not there any more"),
        ("AccessDenied", "access_denied", False, "iam:PutRolePolicy"),
        ("UnmodifiableEntity", "unmodifiable", False, "nobody but itself"),
        ("Throttling", "throttled", True, "tried again"),
        ("ConcurrentModification", "throttled", True, "tried again"),
        ("ServiceFailure", "iam_error", True, "IAM answered ServiceFailure"),
    ],
)
def test_a_refusal_says_what_to_do_and_whether_it_passes(
    server: IamServer, code: str, cause: str, passes: bool, words: str
) -> None:
    for ask in (lambda: iam().put(ROLE, DOCUMENT), lambda: iam().room(ROLE)):
        server.refusals = [code]
        with pytest.raises(NotWritten, match=words) as raised:
            ask()
        assert (raised.value.cause, raised.value.passes) == (cause, passes)


def test_a_full_role_is_told_apart(server: IamServer) -> None:
    server.refusals = ["LimitExceeded"]
    with pytest.raises(PolicyFull):
        iam().put(ROLE, DOCUMENT)


def test_an_iam_that_is_not_reached_passes(server: IamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1")
    session.cache_clear()
    with pytest.raises(NotWritten, match="could not be reached") as raised:
        iam().put(ROLE, DOCUMENT)
    assert (raised.value.cause, raised.value.passes) == ("unreachable", True)
