"""What a deployment does when something fails that is none of its own failures."""

from pathlib import Path

import pytest

from ops.building.summary import Summary
from ops.cloudformation.failures import TakenBack
from ops.deployed.caller import SmokeFailed
from ops.deploying import deploy, rollback
from ops.deploying.preview import Planned
from ops.errors import CommandFailed
from ops.stages.stage import Stage
from tests.unit.ops.example import ACCOUNT, CHANGES, NEW, raises


@pytest.fixture
def prepared(tmp_path: Path) -> deploy._Prepared:
    summary = Summary("new", {}, {}, {})
    planned = Planned(Stage("dev", "python3.13"), tmp_path, summary, summary, False, CHANGES)
    return deploy._Prepared(planned, NEW, rollback.Former(NEW, tmp_path / "former.json", "bucket"), "bucket")


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


def test_a_configuration_that_is_not_there_is_said_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="nowhere is not a directory"):
        deploy.deploy("dev", {}, tmp_path / "nowhere")
