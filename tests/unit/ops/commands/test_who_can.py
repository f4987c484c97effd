"""`credvend-admin who-can` and `what-can`: from the policies, and from the ledger."""

from pathlib import Path

import pytest

from testing.policies import HOME
from tests.unit.ops.commands.command_line import CommandLine, command_line
from tests.unit.ops.stage_tables import STAGE, StageTables

ALICE = f"arn:aws:iam::{HOME}:user/alice"


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line(tmp_path, capsys)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> StageTables:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = StageTables()
    monkeypatch.setattr("ops.commands.who_can.find_operator", lambda _say: found.operator())
    return found


def test_who_can_have_a_role_is_told_with_conditions_and_forbids(line: CommandLine) -> None:
    out, err = line.run("who-can", "deep")
    assert out.splitlines() == [
        "permit alice (policies/a.cedar, line 2)",
        f"  callers: IamUser {ALICE} (IamUser)",
        "permit ci (policies/a.cedar, line 5)",
        "  callers: ServiceToken ci (ServiceToken)",
        '  when principal.owner == "olga" && principal.hasTag("env") && principal.getTag("env") == "prod"',
        "  forbid addresses (policies/a.cedar, line 7) takes back some of it, from each ServiceToken",
        "    when context.source_ip.isLoopback()",
    ]
    assert err == ""


def test_json_tells_the_same(line: CommandLine) -> None:
    found = line.json("who-can", f"arn:aws:iam::{HOME}:role/reader")
    permits = found["Permits"]
    assert isinstance(permits, list)
    assert found["Role"] == "reader" and found["Had"] is None
    assert [(one["Id"], one["Kinds"], one["Issuers"], one["Closed"]) for one in permits] == [
        ("alice", ["IamUser"], [], False),
        ("dev", ["OidcSubject"], ["okta"], False),
    ]


def test_a_role_that_nobody_can_have_is_told(line: CommandLine) -> None:
    policies = line.config / "policies/a.cedar"
    policies.write_text(
        f'@id("a") permit (principal in Account::"{HOME}", action, resource);'
        '@id("b") forbid (principal, action, resource == Role::"deep");'
    )
    out, err = line.run("who-can", "deep", status=1)
    assert "takes back all of it, from everybody" in out
    assert "Nobody can have role deep" in err
    assert "did you mean deep?" in line.run("who-can", "deep2", status=1)[1]


def test_what_a_caller_can_have_is_told_with_the_longest_duration(line: CommandLine) -> None:
    out, err = line.run("what-can", "alice")
    assert [row.split()[:3] for row in out.splitlines()] == [
        ["ROLE", "LONGEST", "REASON"],
        ["reader", "1800", "s"],
        ["writer", "3600", "s"],
        ["deep", "3600", "s"],
    ]
    assert "`explain` tells" in err
    found = line.json("what-can", "oidc:okta:x", "--group", "dev", "--claim", "team=a")
    assert found["Roles"] == [
        {
            "Role": role,
            "RoleArn": f"arn:aws:iam::{HOME}:role/{path}",
            "MaxDurationSeconds": longest,
            "ReasonRequired": False,
        }
        for role, path, longest in (("reader", "reader", 1800), ("writer", "team/writer", 3600))
    ]


def test_a_caller_that_can_have_nothing_or_is_turned_away_is_told(line: CommandLine) -> None:
    assert "oidc:okta:x can have no role." in line.run("what-can", "oidc:okta:x", status=1)[1]
    assert line.json("what-can", "oidc:okta:x", status=1)["Roles"] == []
    root = f"arn:aws:iam::{HOME}:root"
    assert "The service would turn it away (CallerRefused)" in line.run("what-can", root, status=1)[1]
    assert "is no caller" in line.run("what-can", "bob", status=1)[1]


def test_who_has_had_a_role_is_told_from_the_ledger(line: CommandLine, tables: StageTables) -> None:
    tables.add_session("1", 100, caller=ALICE, role="deep")
    tables.add_session("2", 50, caller="token:ci", role="deep")
    tables.add_session("3", 10, caller=ALICE, role="deep")
    tables.add_session("4", 10, caller=ALICE, role="reader")
    tables.add_session("5", 10, caller="token:other", role="deep", state="failed")
    found = line.json("who-can", "deep", "--sessions", "--stage", STAGE)
    had = found["Had"]
    assert isinstance(had, list)
    assert [(one["Caller"], one["Sessions"]) for one in had] == [(ALICE, 2), ("token:ci", 1)]
    out, _ = line.run("who-can", "deep", "--sessions", "--since", "1m", "--stage", STAGE)
    assert [row.split()[:2] for row in out.splitlines()[-3:]] == [
        ["CALLER", "SESSIONS"],
        [ALICE, "1"],
        ["token:ci", "1"],
    ]
    had = line.json("what-can", "alice", "--sessions", "--stage", STAGE)["Had"]
    assert isinstance(had, list)
    assert {one["Role"]: one["Sessions"] for one in had} == {"deep": 2, "reader": 1}
    err = line.run("who-can", "writer", "--sessions", "--stage", STAGE)[1]
    assert "Nobody has had it since then." in err


def test_without_credentials_or_a_region_the_ledger_is_not_asked(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert "No AWS credentials" in line.run("who-can", "deep", "--sessions", status=1)[1]
    monkeypatch.delenv("AWS_REGION")
    assert "No region: set AWS_REGION" in line.run("what-can", "alice", "--sessions", status=1)[1]
