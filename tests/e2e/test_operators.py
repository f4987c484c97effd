"""What operators see and stop at the deployed service, with credvend-admin."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.batches import batch_get
from local.aws import ACCOUNT
from ops import admin
from testing.deployed import Key, Stack

SESSIONS = "credvend-local-sessions"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


class Operators:
    """`credvend-admin` in this process, on the deployed stage."""

    def __init__(self, stack: Stack, capture: pytest.CaptureFixture[str]) -> None:
        self.stack = stack
        self._capture = capture

    def run(self, *arguments: str, status: int = 0) -> str:
        """What a command prints, and says."""
        got = admin.main([*arguments, "--stage", "local"])
        printed = self._capture.readouterr()
        assert got == status, printed.err
        return printed.out if "--json" in arguments else printed.out + printed.err

    def json(self, *arguments: str) -> Any:
        """What it prints as JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def vend(self, role: str = "instances") -> tuple[str, Key]:
        """A session of alice's: its id, and its key."""
        answer = self.stack.vend({"role": role})
        assert answer.status == 200, answer.text
        return str(answer.body["RequestId"]), answer.key

    def items(self, *ids: str) -> dict[str, Any]:
        """As the ledger's table holds them."""
        return batch_get(self.stack.dynamodb(), SESSIONS, ids)


@pytest.fixture
def operators(stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operators]:
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    made = Operators(stack, capsys)
    yield made
    for one in made.json("blocks"):  # other tests are to have what they ask for
        made.run(*(("start",) if one["Kind"] == "all" else ("unblock", one["Name"])))


def test_sessions_are_found_by_all_that_is_known_of_them(operators: Operators) -> None:
    first, key = operators.vend()
    second, _ = operators.vend("brief")
    for arguments in (
        ("--caller", ALICE, "--live"),
        ("--role", "instances", "--since", "10m"),
        ("--account", ACCOUNT),
        ("--key", key.access_key_id),
        (),
    ):
        found = {one["Id"]: one for one in operators.json("sessions", *arguments)}
        assert first in found and (second in found) == (arguments[:1] not in (("--role",), ("--key",)))
        assert (found[first]["AccessKeyId"], found[first]["State"]) == (key.access_key_id, "live")
    assert operators.json("sessions", "show", key.access_key_id)["Id"] == first
    assert "1 more" not in operators.run("sessions", "--key", key.access_key_id)
    assert key.secret_access_key not in operators.run("sessions", "show", first)


def test_a_ledger_that_lost_entries_is_made_anew_from_the_log(operators: Operators) -> None:
    ids = [operators.vend()[0] for _ in range(3)]
    refused = operators.stack.vend({"role": "untrusting"})
    assert refused.status != 200
    ids.append(str(refused.body["RequestId"]))
    before = operators.items(*ids)
    assert len(before) == 4
    whole = operators.json("sessions", "rebuild", "--since", "1d")
    assert (whole["Written"], whole["Repaired"], whole["Changed"], whole["Unreadable"]) == (0, 0, 0, 0)
    assert whole["AsItWas"] >= 4 and operators.items(*ids) == before
    table = operators.stack.dynamodb()
    for id_ in (ids[0], ids[3]):
        table.delete_item(TableName=SESSIONS, Key={"id": {"S": id_}})
    table.update_item(
        TableName=SESSIONS,
        Key={"id": {"S": ids[1]}},
        UpdateExpression="SET #state = :requested REMOVE access_key_id",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":requested": {"S": "requested"}},
    )
    rebuilt = operators.json("sessions", "rebuild", "--since", "1d")
    assert (rebuilt["Written"], rebuilt["Repaired"]) == (2, 1)
    after = operators.items(*ids)
    for id_ in ids:
        # When it was asked for, the log says by another reading of the clock.
        told = {"at", "requested_at"} | ({"expires", "ttl"} if id_ == ids[3] else set())
        for name in (before[id_].keys() | after[id_].keys()) - told:
            assert after[id_].get(name) == before[id_].get(name), (id_, name)
        assert abs(int(after[id_]["requested_at"]["N"]) - int(before[id_]["requested_at"]["N"])) < 10_000
    assert operators.json("sessions", "rebuild", "--since", "1d")["Written"] == 0


def test_what_is_blocked_is_vended_to_nobody_until_it_is_not(operators: Operators) -> None:
    stack = operators.stack

    def told(role: str = "instances") -> object:
        answer = stack.vend({"role": role})
        return answer.body.get("Code", answer.status)

    operators.run("block", ALICE, "--no-revoke", "--reason", "leaked")
    assert told() == "Blocked"
    operators.run("unblock", ALICE)
    operators.run("block", "brief", "--role", "--until", "1h")
    assert (told(), told("brief")) == (200, "Blocked")
    operators.run("stop", "--reason", "on fire")
    assert told() == "VendingStopped"
    listed = {(one["Kind"], one["Name"]): one for one in operators.json("blocks")}
    assert listed["all", "all vending"]["Reason"] == "on fire" and ("role", "brief") in listed
    operators.run("start")
    operators.run("unblock", "brief")
    assert (told(), told("brief")) == (200, 200)
    assert operators.json("blocks") == []


def test_a_revoked_session_is_refused_and_another_one_goes_on(operators: Operators) -> None:
    stack = operators.stack
    (revoked, key), (_, other) = operators.vend("tagged"), operators.vend("tagged")
    stack.ec2(key).describe_instances()
    (done,) = operators.json("revoke", "--session", revoked, "--reason", "leaked", "--yes")
    assert done["Progress"] == "written" and done["Problem"] is None
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        stack.ec2(key).describe_instances()
    stack.ec2(other).describe_instances()
    shown = operators.json("sessions", "show", revoked)
    assert (shown["State"], shown["Revocation"]["Reason"]) == ("revoked", "leaked")
    assert revoked not in {one["Id"] for one in operators.json("sessions", "--live")}


def test_a_request_is_explained_by_its_id_and_its_role_by_who_has_had_it(operators: Operators) -> None:
    config = ("--config", str(operators.stack.aws.directory / "config"))
    denied = operators.stack.vend({"role": "forbidden"})
    assert denied.status == 403
    told = operators.run("explain", "--request", str(denied.body["RequestId"]), *config, status=1)
    assert "Denied by default: no permit applies." in told
    assert "Recorded as credentials.denied: denied by default, by this configuration." in told
    vended, _ = operators.vend()
    told = operators.run("explain", "--request", vended, *config)
    assert "Recorded as credentials.vended: allowed by " in told
    nobody = operators.run("explain", "--request", "00000000-0000-0000-0000-000000000000", *config, status=1)
    assert "there is no audit record of it" in nobody
    had = operators.json("who-can", "instances", "--sessions", *config)["Had"]
    assert ALICE in [one["Caller"] for one in had]
    found = operators.json("what-can", ALICE, "--sessions", *config)
    assert "instances" in [one["Role"] for one in found["Roles"]]
    assert "instances" in [one["Role"] for one in found["Had"]]
