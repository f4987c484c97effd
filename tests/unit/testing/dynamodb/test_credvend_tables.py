"""The tables that tests have are those that are deployed."""

import json

import pytest

from ops.environments import ROOT
from testing.dynamodb.credvend_tables import ALL
from testing.dynamodb.tables import Schema

_TEMPLATE = json.loads((ROOT / ".chalice/template.json").read_text(encoding="utf-8"))
_TABLES = {
    resource["Properties"]["TableName"]["Fn::Sub"].replace("${AWS::StackName}", "credvend-test"): resource["Properties"]
    for resource in _TEMPLATE["Resources"].values()
    if resource.get("Type") == "AWS::DynamoDB::Table"
}


def test_each_table_is_deployed_and_none_is_left_out() -> None:
    assert sorted(schema.name for schema in ALL) == sorted(_TABLES)


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.name)
def test_it_has_the_keys_indexes_and_time_to_live_of_the_template(schema: Schema) -> None:
    assert Schema.of({**_TABLES[schema.name], "TableName": schema.name}) == schema
