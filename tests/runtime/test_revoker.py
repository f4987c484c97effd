"""The revoker starts under Lambda's own runtime client, from the same package, and does its work there."""

import json
import time

from chalicelib.aws.table import Table
from chalicelib.revocation import requests
from chalicelib.revocation.policy import POLICY_NAME
from testing.dynamodb.credvend_tables import ALL, REVOCATIONS, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.serving import client_of, served
from testing.iam_server import iam_server
from testing.runtime import environment
from tests.runtime.conftest import World

ROLE = "arn:aws:iam::111122223333:role/reader"
REQUEST = "00000000-0000-4000-8000-000000000001"


def test_what_the_stream_brings_is_written_to_iam_noted_and_on_record(world: World) -> None:
    database = Database(*ALL)
    database.put(SESSIONS.name, {"id": {"S": REQUEST}})
    now = round(time.time())
    item = requests.session_item(requests.Asked(ROLE, now * 1000, now + 900, "test"), REQUEST)
    requests.ask(Table(REVOCATIONS.name, client_of(database)), item)
    keys = {name: item[name] for name in ("role_arn", "id")}
    record = {"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "1", "NewImage": item}}
    with served(database) as tables, iam_server() as iam:
        variables = world.variables | {
            "AWS_ENDPOINT_URL_DYNAMODB": tables,
            "AWS_ENDPOINT_URL_IAM": iam.server.url,
        }
        with environment(world.tree, variables, handler="app.revoke_sessions") as revoker:
            revoker.send({"Records": [record]}, time.time() + 300)
            path, answer = revoker.result()
            records = revoker.records()
    assert path.endswith("/response") and answer == {"batchItemFailures": []}, answer
    assert REQUEST in iam.policies["111122223333", "reader"][POLICY_NAME]
    assert {"revoke_written"} < (database.item(SESSIONS.name, REQUEST) or {}).keys()
    written = database.item(REVOCATIONS.name, ROLE, f"session#{REQUEST}")
    assert written is not None and written["state"] == {"S": requests.WRITTEN}
    (one,) = records
    assert (one["event"], one["role"], one["service"]) == ("revocation.written", "reader", "credvend.audit")
    assert "secret" not in json.dumps(records)


def test_a_batch_that_cannot_be_written_now_is_to_be_brought_again(world: World) -> None:
    record = {
        "eventName": "REMOVE",
        "dynamodb": {"Keys": {"role_arn": {"S": ROLE}, "id": {"S": "role"}}, "SequenceNumber": "7"},
    }
    variables = world.variables | {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}
    with environment(world.tree, variables, handler="app.revoke_sessions") as revoker:
        revoker.send({"Records": [record]}, time.time() + 300)
        _, answer = revoker.result()
        (one,) = revoker.records()
    assert answer == {"batchItemFailures": [{"itemIdentifier": "7"}]}
    assert (one["event"], one["cause"]) == ("revocation.failed", "table_unavailable")
