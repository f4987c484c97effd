"""What `make deploy` says, and does when something fails that is none of its own failures."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops import deploy
from ops.aws.account import Account
from ops.aws.aws_cli import AwsCli
from ops.building.summary import Summary
from ops.cloudformation.stack import ChangeSet, ResourceChange, Stack, TakenBack
from ops.deployed.deployment import Deployment
from ops.deploying import rollback
from ops.deploying.preview import Planned
from ops.errors import CommandFailed
from ops.smoke import SmokeFailed
from ops.stages.names import DIGEST_OUTPUT
from ops.stages.stage import Stage
from ops.stages.stage_file import StageFile

ACCOUNT = Account(AwsCli({}), "1" * 12, "eu-west-1", "arn:aws:iam::111111111111:user/deployer")
OUTPUTS = {
    "RestAPIId": "a1",
    "EndpointURL": "https://a1.execute-api.eu-west-1.amazonaws.com/api/",
    "FunctionRoleArn": "arn:aws:iam::111111111111:role/credvend-dev-eu-west-1",
    "LogGroupName": "/aws/lambda/credvend-dev",
    DIGEST_OUTPUT: "new",
}
NEW = Stack("credvend-dev", "id", "UPDATE_COMPLETE", datetime.now(UTC), datetime(2026, 1, 2, tzinfo=UTC), OUTPUTS, {})
CHANGES = ChangeSet("change", "credvend-dev", False, ())
DEPLOYED = Deployment("credvend-dev", "1" * 12, "eu-west-1", "a1", "https://a1", OUTPUTS["FunctionRoleArn"], "log", "")


@pytest.fixture
def prepared(tmp_path: Path) -> deploy._Prepared:
    summary = Summary("new", {}, {}, {})
    planned = Planned(Stage("dev", "python3.13"), tmp_path, summary, summary, False, CHANGES)
    return deploy._Prepared(planned, NEW, rollback.Former(NEW, tmp_path / "former.json", "bucket"), "bucket")


def raises(error: BaseException) -> object:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "said"), [(KeyError("event"), r"KeyError\('event'\)"), (SmokeFailed("It says 500"), "It says 500")]
)
def test_whatever_the_test_fails_with_it_is_rolled_back(
    prepared: deploy._Prepared, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(deploy, "execute", lambda *_: NEW)
    monkeypatch.setattr(deploy, "smoke_test", raises(error))
    monkeypatch.setattr(deploy, "roll_back", lambda *_: "It is back.")
    with pytest.raises(SmokeFailed, match=rf"(?s)did not pass its test.*{said}.*It is back\."):
        deploy._make(ACCOUNT, prepared, 0)


def test_only_a_deployment_that_failed_itself_says_that_what_was_before_is_back(
    prepared: deploy._Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "execute", raises(TakenBack("UPDATE_ROLLBACK_COMPLETE")))
    with pytest.raises(CommandFailed, match=r"What was deployed before is back\."):
        deploy._make(ACCOUNT, prepared, 0)
    monkeypatch.setattr(deploy, "roll_back", raises(TakenBack("UPDATE_ROLLBACK_COMPLETE")))
    said = deploy._roll_back(ACCOUNT, NEW, prepared, 0)
    assert "could NOT be rolled back" in said and "before is back" not in said


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
    prepared: deploy._Prepared, monkeypatch: pytest.MonkeyPatch, now: Stack | None, looks: int
) -> None:
    found = [NEW, now][-looks:]
    monkeypatch.setattr(rollback, "find_stack", lambda *_: found.pop(0))
    monkeypatch.setattr(rollback, "put_template", lambda *_: "url")
    monkeypatch.setattr(rollback, "plan_change", lambda *_, **__: CHANGES)
    monkeypatch.setattr(rollback, "discard", lambda *_: None)
    said = rollback.roll_back(ACCOUNT, NEW, prepared.former, 0)
    assert said == "Somebody has deployed since; nothing was rolled back." and not found


def test_a_rollback_names_what_is_made_anew(prepared: deploy._Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = (
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
    said = rollback.roll_back(ACCOUNT, NEW, prepared.former, 0)
    assert "TokensTable, AWS::DynamoDB::Table, is made anew, empty; Log, " in said and "passes the test" in said
    assert "Other" not in said and "Api" not in said


@pytest.mark.parametrize("word", ["1", "yes", "Yes", "TRUE"])
def test_a_clear_yes_asks_nothing(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def deployed(*arguments: object) -> Deployment:
        asked.append(arguments[3])
        return DEPLOYED

    monkeypatch.setattr(deploy, "deploy", deployed)
    assert deploy.main(["local", f"--yes={word}"]) == 0 and asked == [True]


@pytest.mark.parametrize("word", ["0", "no", "No", "FALSE", "n", ""])
def test_a_no_asks(word: str) -> None:
    assert deploy._yes(word) is False


@pytest.mark.parametrize("word", ["y", "yep", "off", "1 0"])
def test_what_is_neither_deploys_nothing(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deploy, "deploy", raises(AssertionError()))
    with pytest.raises(SystemExit):
        deploy.main(["local", f"--yes={word}"])
    assert "YES=1 asks nothing" in capsys.readouterr().err


def test_what_is_live_but_not_protected_is_printed_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deployed(*_: object) -> Deployment:
        deploy._protect(ACCOUNT, DEPLOYED)
        return DEPLOYED

    monkeypatch.setattr(deploy, "protect", raises(CommandFailed("aws dynamodb update-table")))
    monkeypatch.setattr(deploy, "deploy", deployed)
    assert deploy.main(["local"]) == 1
    printed = capsys.readouterr()
    assert "credvend is at            https://a1\n" in printed.out
    assert "is live, and passed its test" in printed.err and "aws dynamodb update-table" in printed.err


def test_a_configuration_that_is_not_there_is_said_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="nowhere is not a directory"):
        deploy.deploy("dev", {}, tmp_path / "nowhere")


def test_whose_callers_are_let_in_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    deploy._print_result(DEPLOYED, StageFile(accounts=["2" * 12], organization="o-abcdefghij"))
    assert f"let in from: account {'2' * 12}, organization o-abcdefghij\n" in capsys.readouterr().out
    deploy._print_result(DEPLOYED, StageFile())
    assert "Callers of other accounts: docs/stage.md" in capsys.readouterr().out
