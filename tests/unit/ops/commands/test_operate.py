"""Every command that docs/operate.md tells operators to give runs, on the example that stands there."""

import json
import re
import shlex
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

from ops import admin
from ops.building.source_tree import copy_configuration
from ops.deployed.configuration import DeployedConfiguration
from ops.environments import ROOT
from testing.documents import blocks
from tests.unit.ops.commands.test_explain import RECORD
from tests.unit.ops.comparing.test_revisions import git
from tests.unit.ops.signing.test_rotating import ALIAS, Rotated
from tests.unit.ops.stage_tables import StageTables

DOCUMENT = ROOT / "docs/operate.md"
ROLES = """
roles:
  - {name: ec2-operator, arn: "arn:aws:iam::111122223333:role/ec2-operator", groups: [ec2]}
  - {name: shop-deployer, arn: "arn:aws:iam::111122223333:role/shop-deployer", groups: [shop], require_reason: true}
"""
ISSUERS = """
issuers:
  - name: github
    issuer: https://token.actions.githubusercontent.com
    audiences: [credvend]
    required_claims: {repository_owner_id: "123456"}
    claims: {ref: ref}
"""
POLICIES = """
@id("operators-from-the-office")
permit (
  principal == IamRole::"arn:aws:iam::111122223333:role/Operator",
  action,
  resource in RoleGroup::"ec2"
)
when {
  context.source_ip.isInRange(ip("203.0.113.0/24")) &&
  context.local.time >= duration("9h") && context.local.time < duration("17h30m")
};

@id("main-branch-deploys")
permit (principal in OidcIssuer::"github", action, resource in RoleGroup::"shop")
when { principal.hasTag("ref") &&
  principal.getTag("ref").text == "refs/heads/main" };

@id("no-long-deployments")
forbid (principal, action, resource in RoleGroup::"shop") when { context.duration > 1800 };
"""


class Morning(datetime):
    """A time at which operators work: what is asked now is asked then."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 1, 14, 10, tzinfo=tz)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands are typed. The configuration has what the README says that it has, and no more."""
    config = tmp_path / "config"
    (config / "policies").mkdir(parents=True)
    (config / "tests").mkdir()
    (config / "roles.yaml").write_text(ROLES)
    (config / "issuers.yaml").write_text(ISSUERS)
    (config / "policies/shop.cedar").write_text(POLICIES)
    (tests,) = [
        text for text in blocks(DOCUMENT, "yaml") if text.startswith("# yaml-language-server: $schema=../tests")
    ]
    (config / "tests/all.yaml").write_text(tests)
    record = RECORD | {"requested_role": "shop-deployer", "caller_issuer": "github"}
    for name in ("record.json", "records.json"):
        (tmp_path / name).write_text(json.dumps(record))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDVEND_CONFIG_DIR", str(config))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for module in ("explain", "who_can"):
        monkeypatch.setattr(f"ops.commands.{module}.datetime", Morning)
    return tmp_path


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    def messages(*_: object) -> Iterator[str]:
        yield json.dumps(RECORD | {"requested_role": "shop-deployer", "caller_issuer": "github"})

    tables = StageTables()
    monkeypatch.setattr("ops.commands.who_can.find_operator", lambda _say: tables.operator())
    monkeypatch.setattr("ops.commands.explain.logs_client", lambda _region: None)
    monkeypatch.setattr("ops.commands.explain.messages", messages)
    monkeypatch.setattr("ops.commands.explain.log_group_of", lambda _stage: "group")
    monkeypatch.setattr("ops.commands.diff.logs_client", lambda _region: None)
    monkeypatch.setattr("ops.commands.diff.messages", messages)
    monkeypatch.setattr("ops.commands.diff.log_group_of", lambda _stage: "group")
    monkeypatch.setattr("ops.commands.onboard.Reader", lambda _region: Deployed())
    monkeypatch.setattr("ops.commands.keys.Reader", lambda _region: Deployed())
    monkeypatch.setattr("ops.commands.keys.find_kms", lambda _say: (Rotated().operators, "eu-west-1"))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


@pytest.fixture
def repository(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration's: two commits, the second on a branch of its own; it is what is deployed, too."""
    git(directory, "init", "-q", "-b", "main")
    git(directory, "add", ".")
    git(directory, "commit", "-q", "-m", "one")
    git(directory, "checkout", "-q", "-b", "feature")
    git(directory, "commit", "-q", "--allow-empty", "-m", "two")
    copy_configuration(directory / "deployed", directory / "config")
    deployed = DeployedConfiguration(directory / "deployed", "")
    monkeypatch.setattr("ops.comparing.sides.unpack_deployed", lambda _stage: deployed)


class Deployed:
    """AWS, where credvend is deployed."""

    def ask(self, *_: object, **asked: object) -> object:
        role = f"arn:aws:iam::999988887777:role/{asked['StackName']}"
        told = {"FunctionRoleArn": f"{role}-eu-west-1", "RevokerRoleArn": f"{role}-revoker-eu-west-1"}
        told |= {"IssuerUrl": "https://tokens.example.com", "SigningAlias": ALIAS, "SigningAlgorithm": "RS256"}
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in told.items()]}]}


# What the answer is no to.
DENIED = ("ref=refs/heads/x", "token:nightly-backup", "other branches do not", "--record", "--request")
OURS = ("test", "explain", "who-can", "what-can", "diff", "onboard", "onboard-github", "onboard-gitlab", "keys")


def commands() -> list[list[str]]:
    lines = "\n".join(blocks(DOCUMENT, "bash")).replace("\\\n", " ").splitlines()
    typed = [shlex.split(line)[1:] for line in lines if line.startswith("./credvend-admin ")]
    return [one for one in typed if one[0] in OURS]


@pytest.mark.usefixtures("directory", "aws", "repository")
@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_runs(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = [("test" if word == "prod" else word) for word in command]
    if "--address" in command:  # its policy looks at the time of day
        command += ["--time", "2026-01-14T10:00:00Z"]
    status = admin.main(command)
    printed = capsys.readouterr()
    assert status == (1 if any(word in DENIED for word in command) else 0), printed.out + printed.err
    assert printed.out or "can have no role" in printed.err


@pytest.mark.usefixtures("directory")
def test_the_explanation_is_the_one_that_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.main(["explain", "--test", "other branches do not"]) == 1
    shown = [text for text in blocks(DOCUMENT, "text") if text.startswith("Denied by default")]
    assert capsys.readouterr().out in shown


@pytest.mark.usefixtures("repository")
def test_the_difference_is_the_one_that_is_shown(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = directory / "config/policies/shop.cedar"
    shop.write_text(shop.read_text().replace('== "refs/heads/main"', 'like "refs/heads/*"'))
    assert admin.main(["diff", "main"]) == 0
    printed = capsys.readouterr().out
    (shown,) = [text for text in blocks(DOCUMENT, "text") if text.startswith("Policies\n  ~ main-branch")]
    assert shown in printed


@pytest.mark.usefixtures("directory")
def test_every_policy_of_the_example_is_reached_but_for_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.main(["test", "--all-reached"]) == 0
    assert capsys.readouterr().out == "5 passed, 0 failed.\n"


def test_every_key_of_a_test_has_a_row() -> None:
    told = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text()))
    schema = json.loads((ROOT / "chalicelib/config/tests.schema.json").read_text())["$defs"]
    for kind in ("CaseEntry", "CallerEntry", "SessionEntry"):
        assert set(schema[kind]["properties"]) - {"name", "code", "claims"} <= told, kind
