"""The stream of the table of revocations brings the revoker what it is for, and not what it wrote itself."""

import json
from typing import cast

import pytest

from chalicelib.revocation import requests
from ops.documents.json_object import Json
from ops.environments import ROOT

RESOURCES = cast(dict[str, dict[str, Json]], json.loads((ROOT / ".chalice/template.json").read_text())["Resources"])
MAPPINGS = {name: one["Properties"] for name, one in RESOURCES.items() if "EventSourceMapping" in str(one.get("Type"))}


def brings(mapping: str, event: str, state: str | None) -> bool:
    """Whether a mapping's filters let a record through: each names equal values alone."""
    record = {"eventName": event, "dynamodb": {"NewImage": {"state": {"S": state}}}}
    filters = cast(dict[str, list[dict[str, str]]], MAPPINGS[mapping]["FilterCriteria"])["Filters"]
    return any(_matches(json.loads(one["Pattern"]), record) for one in filters)


def _matches(pattern: object, found: object) -> bool:
    if isinstance(pattern, dict):
        return isinstance(found, dict) and all(_matches(one, found.get(key)) for key, one in pattern.items())
    assert isinstance(pattern, list)
    return found in pattern


@pytest.mark.parametrize(
    ("event", "state", "mapping"),
    [
        ("INSERT", requests.ASKED, "RevokerWrites"),
        ("INSERT", None, "RevokerWrites"),
        ("MODIFY", requests.ASKED, "RevokerWrites"),
        ("REMOVE", None, "RevokerWrites"),
        ("MODIFY", requests.WRITTEN, "RevokerProves"),
        ("MODIFY", requests.IN_FORCE, None),
        ("MODIFY", requests.FAILED, None),
    ],
)
def test_each_change_goes_to_one_mapping_or_to_none(event: str, state: str | None, mapping: str | None) -> None:
    assert [name for name in MAPPINGS if brings(name, event, state)] == ([mapping] if mapping else [])


def test_a_failure_is_brought_again_a_few_times_and_does_not_stop_the_others_for_good() -> None:
    assert set(MAPPINGS) == {"RevokerWrites", "RevokerProves"}
    for mapping in MAPPINGS.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True and 0 < cast(int, mapping["MaximumRetryAttempts"]) <= 10
        assert mapping["ParallelizationFactor"] == 1 and mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["RevocationsTable", "StreamArn"]}
        assert mapping["FunctionName"] == {"Ref": "Revoker"}


def test_both_mappings_find_a_free_environment_for_each_part_of_a_new_table() -> None:
    """What is proved, which takes its time, must not keep what is to be written waiting."""
    stages = json.loads((ROOT / ".chalice/config.json").read_text())["stages"]
    free = {name: stage["lambda_functions"]["revoker"]["reserved_concurrency"] for name, stage in stages.items()}
    # And one for the sweep.
    # A table by request takes 4,000 writes a second at first, and a partition 1,000; each has a shard of the stream.
    parts = 4
    assert free.pop("local") >= len(MAPPINGS) + 1
    assert all(count >= parts * len(MAPPINGS) + 1 for count in free.values())


def test_the_sweep_comes_each_minute_and_one_that_is_late_is_dropped() -> None:
    """Those that wait would come all at once, and the next one does the same."""
    rule, once = RESOURCES["RevokerSweep"]["Properties"], RESOURCES["RevokerSweepOnce"]["Properties"]
    assert rule["ScheduleExpression"] == "rate(1 minute)" and rule["State"] == "ENABLED"
    assert rule["Targets"] == [{"Id": "revoker", "Arn": {"Fn::GetAtt": ["Revoker", "Arn"]}}]
    assert once["FunctionName"] == {"Ref": "Revoker"} and once["Qualifier"] == "$LATEST"
    assert once["MaximumRetryAttempts"] == 0 and once["MaximumEventAgeInSeconds"] == 60


def test_that_rule_alone_may_invoke_the_revoker() -> None:
    allowed = [one["Properties"] for one in RESOURCES.values() if "AWS::Lambda::Permission" in str(one.get("Type"))]
    assert [one for one in allowed if one["FunctionName"] == {"Ref": "Revoker"}] == [
        {
            "FunctionName": {"Ref": "Revoker"},
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": ["RevokerSweep", "Arn"]},
        }
    ]
