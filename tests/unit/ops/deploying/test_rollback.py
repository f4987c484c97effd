"""What is rolled back, and what is said of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.cloudformation.change_set import ResourceChange
from ops.cloudformation.stack import Stack
from ops.deploying import rollback
from ops.stages.names import DIGEST_OUTPUT
from tests.unit.ops.example import ACCOUNT, CHANGES, NEW, OUTPUTS


@pytest.fixture
def former(tmp_path: Path) -> rollback.Former:
    return rollback.Former(NEW, tmp_path / "former.json", "bucket")


@pytest.mark.parametrize(
    "now",
    [
        None,
        replace(NEW, updated=datetime(2026, 1, 3, tzinfo=UTC)),
        replace(NEW, outputs={**OUTPUTS, DIGEST_OUTPUT: "of somebody else"}),
        replace(NEW, status="UPDATE_IN_PROGRESS"),
    ],
)
@pytest.mark.parametrize("looks", [1, 2])
def test_what_somebody_else_deployed_since_is_not_rolled_back(
    former: rollback.Former, monkeypatch: pytest.MonkeyPatch, now: Stack | None, looks: int
) -> None:
    found = [NEW, now][-looks:]
    monkeypatch.setattr(rollback, "find_stack", lambda *_: found.pop(0))
    monkeypatch.setattr(rollback, "put_template", lambda *_: "url")
    monkeypatch.setattr(rollback, "plan_change", lambda *_, **__: CHANGES)
    monkeypatch.setattr(rollback, "discard", lambda *_: None)
    said = rollback.roll_back(ACCOUNT, NEW, former, 0)
    assert said == "Somebody has deployed since; nothing was rolled back." and not found


def test_a_rollback_names_what_is_made_anew_and_what_is_left(
    former: rollback.Former, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (
        ResourceChange("Remove", "NewTable", "AWS::DynamoDB::Table", "", (), "credvend-x-new"),
        ResourceChange("Remove", "OldApi", "AWS::ApiGateway::Deployment", "", (), "abc123"),
        ResourceChange("Add", "TokensTable", "AWS::DynamoDB::Table", "", ()),
        ResourceChange("Modify", "Log", "AWS::Logs::LogGroup", "True", ()),
        ResourceChange("Modify", "Other", "AWS::Logs::LogGroup", "False", ()),
        ResourceChange("Add", "Api", "AWS::ApiGateway::Deployment", "", ()),
    )
    monkeypatch.setattr(rollback, "find_stack", lambda *_: NEW)
    monkeypatch.setattr(rollback, "put_template", lambda *_: "url")
    monkeypatch.setattr(rollback, "plan_change", lambda *_, **__: replace(CHANGES, changes=changes))
    monkeypatch.setattr(rollback, "execute", lambda *_: NEW)
    monkeypatch.setattr(rollback, "smoke_test", lambda *_: None)
    said = rollback.roll_back(ACCOUNT, NEW, former, 0)
    assert "TokensTable, AWS::DynamoDB::Table, is made anew, empty; Log, " in said and "passes the test" in said
    assert "before you deploy again: aws dynamodb delete-table --table-name credvend-x-new)" in said
    assert "Other" not in said and "Api" not in said
