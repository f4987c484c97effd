"""Callers see and end their own sessions of the deployed service."""

import json
import time
from collections.abc import Callable
from typing import cast

from testing.client import Client
from testing.deployed import Json, Stack
from testing.operators import create


def seen(look: Callable[[], object]) -> object:
    """What is there once it can be seen: an index of DynamoDB follows its table."""
    until = time.monotonic() + 20
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def listed(stack: Stack, session: str) -> Json | None:
    answer = stack.call("GET", "/v1/iam/sessions?live=true&since=1h")
    assert answer.status == 200, answer.text
    return next((each for each in cast(list[Json], answer.body["Sessions"]) if each["Id"] == session), None)


def test_a_session_is_listed_read_and_ended_by_whoever_has_it(stack: Stack) -> None:
    vended = stack.vend({"role": "instances", "reason": "to be ended"})
    session = str(vended.body["RequestId"])
    found = cast(Json, seen(lambda: listed(stack, session)))
    assert (found["Role"], found["State"], found["Reason"]) == ("instances", "live", "to be ended")
    assert found["AccessKeyId"] == vended.key.access_key_id

    one = f"/v1/iam/sessions/{session}"
    assert stack.call("GET", one).body["Session"] == found
    # Nobody else's: not with an API token, nor by an id in another spelling.
    token = create(stack, "own-sessions")
    for answer in (
        stack.present(token, path=f"/v1/sessions/{session}"),
        stack.present(token, "POST", f"/v1/sessions/{session}/revoke"),
        stack.call("GET", f"/v1/iam/sessions/{session.upper()}"),
        stack.call("GET", "/v1/iam/sessions/a_b"),
    ):
        assert (answer.status, answer.body.get("Code")) == (404, "NoSuchSession"), answer.text
    assert stack.present(token, path="/v1/sessions").body["Sessions"] == []

    body = json.dumps({"reason": "done with it"}).encode()
    ended = stack.call("POST", f"{one}/revoke", body, {"Content-Type": "application/json"})
    assert ended.status == 200, ended.text
    assert cast(Json, ended.body["Session"])["State"] == "revoking"
    key = {"role_arn": {"S": str(found["RoleArn"])}, "id": {"S": f"session#{session}"}}
    item = stack.dynamodb().get_item(TableName=f"{stack.deployed.stack}-revocations", Key=key, ConsistentRead=True)
    assert item["Item"]["reason"] == {"S": "done with it"} and item["Item"]["request_id"] == {"S": session}


def test_the_client_shows_and_ends_what_it_got(client: Client) -> None:
    client.remember(answer := client.json("get", "instances"))
    session = str(answer["RequestId"])
    assert seen(lambda: session in client.run("sessions", "--live").stdout)
    done = client.run("revoke", session, "--no-wait")
    assert done.returncode == 0 and "is being revoked" in done.stderr, done.stderr
    client.remember(again := client.json("get", "instances"))
    assert again["RequestId"] != session  # which is in no cache any more
