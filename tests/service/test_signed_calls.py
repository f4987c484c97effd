"""Calls of one client, each signed with keys of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, cast

import pytest
from botocore.awsrequest import AWSPreparedRequest

from chalicelib.aws.client import Keys, client_config, client_with
from chalicelib.aws.signed_calls import client_without_keys, signed_with
from chalicelib.sessions.sts import sts_client
from testing.sts_server import StsServer


@pytest.fixture
def ask(sts: StsServer) -> Callable[[], object]:
    """A call of the client that all share. The session that it is about was there before."""
    arn = "arn:aws:iam::111122223333:role/reader"
    sts_client("ap-northeast-2").assume_role(RoleArn=arn, RoleSessionName="alice", DurationSeconds=900)
    sts.signed_by.clear()
    client = cast(Any, client_without_keys("sts", client_config("ap-northeast-2", 2, 2, 1, connections=2)))
    return lambda: client.get_scoped_credentials(DurationSeconds=60, ScopedSessionDescription="test")


def keys(number: int) -> Keys:
    return Keys(f"ASIA{number:016}", f"secret-{number}", f"token-{number}")


def test_without_keys_nothing_is_sent(sts: StsServer, ask: Callable[[], object]) -> None:
    """Least of all with the function's own."""
    with pytest.raises(LookupError):
        ask()
    with signed_with(keys(1)):
        ask()
    with pytest.raises(LookupError):
        ask()
    assert sts.signed_by == ["ASIA0000000000000001"]


def test_calls_at_once_are_signed_with_their_own_keys(sts: StsServer, ask: Callable[[], object]) -> None:
    both = Barrier(2)

    def calls(number: int) -> None:
        with signed_with(keys(number)):
            for _ in range(5):
                both.wait(timeout=30)
                ask()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(calls, (1, 2)))
    assert sorted(sts.signed_by, key=str) == ["ASIA0000000000000001"] * 5 + ["ASIA0000000000000002"] * 5


def test_inner_keys_hold_for_the_inner_block_alone(sts: StsServer, ask: Callable[[], object]) -> None:
    with signed_with(keys(1)):
        with pytest.raises(ZeroDivisionError), signed_with(keys(2)):
            ask()
            raise ZeroDivisionError
        ask()
    assert sts.signed_by == ["ASIA0000000000000002", "ASIA0000000000000001"]


@pytest.mark.parametrize("fips", ["false", "true"])
@pytest.mark.parametrize("region", ["ap-northeast-2", "us-east-1", "us-gov-west-1", "cn-north-1"])
def test_a_call_goes_where_botocore_sends_it_and_is_signed_as_it_would(
    monkeypatch: pytest.MonkeyPatch, region: str, fips: str
) -> None:
    """To the letter: for the same moment and the same arguments, at the region's own endpoint."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", fips)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime(2026, 11, 26, tzinfo=UTC))
    sent: list[tuple[str, str]] = []

    def refuse_to_send(request: AWSPreparedRequest, **_: object) -> None:
        sent.append((request.url, str(request.headers["Authorization"])))
        raise ZeroDivisionError

    config = client_config(region, 2, 2, 1)
    for made in (client_with("sts", config, keys(1)), client_without_keys("sts", config)):
        client = cast(Any, made)
        client.meta.events.register("before-send.sts", refuse_to_send)
        with pytest.raises(ZeroDivisionError), signed_with(keys(1)):
            client.get_scoped_credentials(DurationSeconds=60, ScopedSessionDescription="test")
    ordinary, ours = sent
    assert ours == ordinary
    assert region in ours[0] and f"/{region}/sts/aws4_request" in ours[1]
