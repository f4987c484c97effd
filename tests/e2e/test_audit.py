"""The function's log group: every request is there, and no secret is."""

from typing import cast

import pytest

from local.aws import ACCOUNT
from testing.deployed import Json, Stack


def test_a_vend_is_recorded_before_and_after(stack: Stack) -> None:
    answer = stack.vend({"role": "instances", "reason": "ticket 7", "duration": "20m"}, headers={"User-Agent": "it/1"})
    requested, vended = stack.records(answer)
    assert (requested["event"], vended["event"]) == ("credentials.requested", "credentials.vended")
    expected: Json = {
        "caller": f"arn:aws:iam::{ACCOUNT}:user/alice",
        "caller_type": "IamUser",
        "caller_access_key_id": stack.alice.access_key_id,
        "requested_role": "instances",
        "requested_duration": 1200,
        "reason": "ticket 7",
        "user_agent": "it/1",
        "source_ip": "127.0.0.1",
        "decision": "allow",
        "policies": ["alice-may-use-open-roles"],
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/e2e/instances",
        "session_name": f"user=alice@{ACCOUNT}",
        "source_identity": f"user=alice@{ACCOUNT}",
        "session_tags": {
            "credvend:caller": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "credvend:request": answer.body["RequestId"],
            "credvend:role": "instances",
        },
        "duration": 1200,
    }
    for record in (requested, vended):
        assert {key: record[key] for key in expected} == expected
    assert vended["access_key_id"] == answer.key.access_key_id
    assert vended["expiration"] == cast(Json, answer.body["Credentials"])["Expiration"]
    assert vended["sts_request_id"] and isinstance(vended["sts_milliseconds"], int)


@pytest.mark.parametrize(
    ("body", "event", "cause"),
    [
        ({"role": "forbidden"}, "credentials.denied", "AccessDenied"),
        ({"role": "nowhere"}, "credentials.denied", "AccessDenied"),
        ({"role": "brief", "duration": "1h"}, "credentials.denied", "InvalidRequest"),
        ({"role": "instances", "colour": "red"}, "credentials.denied", "InvalidRequest"),
        ({"role": "untrusting"}, "credentials.failed", "not_trusted"),
        ({"role": "untaggable"}, "credentials.failed", "no_tag_session"),
    ],
)
def test_a_refusal_is_recorded_with_its_cause(stack: Stack, body: Json, event: str, cause: str) -> None:
    last = stack.records(stack.vend(body))[-1]
    assert (last["event"], last["cause"], last["caller"]) == (event, cause, f"arn:aws:iam::{ACCOUNT}:user/alice")


def test_the_root_is_recorded_when_it_is_refused(stack: Stack) -> None:
    (record,) = stack.records(stack.vend({"role": "instances"}, key=stack.root))
    assert (record["event"], record["cause"]) == ("credentials.denied", "CallerRefused")


def test_no_line_of_the_whole_run_holds_a_secret_that_was_vended(stack: Stack) -> None:
    """Runs last of all tests that use the stack: see testing/order.py."""
    assert stack.vend({"role": "instances"}).status == 200
    stack.expect_no_secret_in_its_log()
