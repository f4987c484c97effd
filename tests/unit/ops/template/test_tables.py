"""The tables of the template: what is lost with them, and what must not come back."""

import json
from typing import cast

from chalicelib.ledger.index_keys import index_keys
from ops.documents.json_object import Json
from ops.environments import ROOT
from ops.stages.names import BLOCKS_TABLE, QUOTAS_TABLE, SESSIONS_TABLE, TABLES, USED_TABLE

RESOURCES = cast(dict[str, Json], json.loads((ROOT / ".chalice/template.json").read_text())["Resources"])


def test_the_tables_stay_are_encrypted_and_forget_what_has_ended() -> None:
    tables = {name for name, resource in RESOURCES.items() if resource.get("Type") == "AWS::DynamoDB::Table"}
    assert tables == set(TABLES)
    for name in tables:
        assert cast(Json, RESOURCES[name]["Properties"])["TableName"] == {
            "Fn::Sub": f"${{AWS::StackName}}-{TABLES[name]}"
        }
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        properties = cast(Json, RESOURCES[name]["Properties"])
        assert properties["SSESpecification"] == {"SSEEnabled": True}
        # What is blocked says itself until when, and is looked at then.
        forgets = None if name == BLOCKS_TABLE else {"AttributeName": "ttl", "Enabled": True}
        assert properties.get("TimeToLiveSpecification") == forgets
        assert properties["BillingMode"] == "PAY_PER_REQUEST"  # nothing while nobody asks


def test_what_is_lost_can_be_had_back_but_used_tokens_and_quotas_cannot_be_made_new() -> None:
    for name in TABLES:
        recovered = cast(Json, RESOURCES[name]["Properties"]).get("PointInTimeRecoverySpecification")
        assert recovered == (None if name in (USED_TABLE, QUOTAS_TABLE) else {"PointInTimeRecoveryEnabled": True})


def test_the_function_is_told_their_names() -> None:
    properties = cast(dict[str, dict[str, Json]], RESOURCES["APIHandler"]["Properties"])
    assert properties["Environment"]["Variables"] == {
        f"CREDVEND_{name.replace('-', '_').upper()}_TABLE": {"Ref": table} for table, name in TABLES.items()
    }


def test_the_indexes_of_sessions_are_those_by_which_the_ledger_is_read() -> None:
    properties = cast(dict[str, list[Json]], RESOURCES[SESSIONS_TABLE]["Properties"])
    keys = index_keys("id", "caller", "role", "111122223333", 0)
    indexes = properties["GlobalSecondaryIndexes"]
    schemas = {str(index["IndexName"]): cast(list[Json], index["KeySchema"]) for index in indexes}
    hashes = {name: schema[0]["AttributeName"] for name, schema in schemas.items()}
    assert hashes == {name: name for name in keys if name != "at"} | {"by_key": "access_key_id"}
    assert all(index["Projection"] == {"ProjectionType": "KEYS_ONLY"} for index in indexes)
