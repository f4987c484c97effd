"""What `make deploy` asks, and says."""

import json
from pathlib import Path

import pytest

from chalicelib.roles.role import Role
from ops import deploy
from ops.deployed.deployment import Deployment
from ops.deploying import deploy as deploying
from ops.errors import CommandFailed
from ops.iam.statements import trust_statements
from ops.stages.stage_file import StageFile
from tests.unit.ops.example import ACCOUNT, DEPLOYED, raises


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
        deploying._protect(ACCOUNT, DEPLOYED)
        return DEPLOYED

    monkeypatch.setattr(deploying, "protect", raises(CommandFailed("aws dynamodb update-table")))
    monkeypatch.setattr(deploy, "deploy", deployed)
    assert deploy.main(["local"]) == 1
    printed = capsys.readouterr()
    assert "credvend is at            https://a1\n" in printed.out
    assert "is live, and passed its test" in printed.err and "aws dynamodb update-table" in printed.err


def test_whose_callers_are_let_in_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    deploy._print_result(DEPLOYED, StageFile(accounts=["2" * 12], organization="o-abcdefghij"), ())
    assert f"let in from: account {'2' * 12}, organization o-abcdefghij\n" in capsys.readouterr().out
    deploy._print_result(DEPLOYED, StageFile(), ())
    assert "Callers of other accounts: docs/stage.md" in capsys.readouterr().out


def catalog(directory: Path, **external_ids: str | None) -> tuple[Role, ...]:
    entries = [
        {"name": name, "arn": f"arn:aws:iam::{'2' * 12}:role/{name}"} | ({"external_id": own} if own else {})
        for name, own in external_ids.items()
    ]
    (directory / "roles.yaml").write_text(json.dumps({"roles": entries}))
    return deploy._roles(directory)


def test_the_trust_statements_that_are_printed_have_the_external_ids_of_the_catalog(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roles = catalog(tmp_path, reader=None, a="one", b="one", c="one", d="one", e="two")
    deploy._print_trust(DEPLOYED.function_role_arn, roles)
    printed = capsys.readouterr().out
    plain, _, rest = printed.partition("\nThe trust policy of a, b, c and 1 more, with the external id")
    assert plain.startswith("\nThe trust policy of each other target role") and "ExternalId" not in plain
    assert "Those of e need the same, with an external id of their own" in rest and "two" not in rest
    statements = json.loads(rest[rest.index("[") : rest.rindex("]") + 1])
    assert statements == trust_statements(DEPLOYED.function_role_arn, "one")


def test_where_every_role_has_an_external_id_no_statement_without_one_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy._print_trust(DEPLOYED.function_role_arn, catalog(tmp_path, a="one"))
    assert "each" not in capsys.readouterr().out
    deploy._print_trust(DEPLOYED.function_role_arn, catalog(tmp_path, a=None))
    assert "trust policy of each target role needs this statement" in capsys.readouterr().out


def test_a_directory_without_a_catalog_deploys_that_of_the_checkout(tmp_path: Path) -> None:
    assert deploy._roles(tmp_path) == deploy._roles(None) != ()
