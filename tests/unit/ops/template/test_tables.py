"""The tables of the template: what is lost with them, and what must not come back."""

import json
from typing import cast

from ops.documents.json_object import Json
from ops.environments import ROOT
from ops.stages.names import TABLE, USED_TABLE

RESOURCES = cast(dict[str, Json], json.loads((ROOT / ".chalice/template.json").read_text())["Resources"])


def test_both_tables_stay_are_encrypted_and_forget_what_has_ended() -> None:
    tables = {name for name, resource in RESOURCES.items() if resource.get("Type") == "AWS::DynamoDB::Table"}
    assert tables == {TABLE, USED_TABLE}
    for name in tables:
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        properties = cast(Json, RESOURCES[name]["Properties"])
        assert properties["SSESpecification"] == {"SSEEnabled": True}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
        assert properties["BillingMode"] == "PAY_PER_REQUEST"  # nothing while nobody asks


def test_tokens_can_be_had_back_and_used_ones_cannot_be_made_new() -> None:
    kept, used = (cast(Json, RESOURCES[name]["Properties"]) for name in (TABLE, USED_TABLE))
    assert kept["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "PointInTimeRecoverySpecification" not in used


def test_the_function_is_told_both_names() -> None:
    properties = cast(dict[str, dict[str, Json]], RESOURCES["APIHandler"]["Properties"])
    assert properties["Environment"]["Variables"] == {
        "CREDVEND_TOKENS_TABLE": {"Ref": TABLE},
        "CREDVEND_USED_TOKENS_TABLE": {"Ref": USED_TABLE},
    }
