"""`credvend-admin diff`: what changes, whose access differs, in each of its forms; and what is wrong with a side."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import admin
from ops.building.source_tree import copy_configuration
from ops.deployed.configuration import DeployedConfiguration
from ops.errors import CommandFailed, OperationFailed
from testing.policies import HOME, ISSUERS_YAML, ROLES_YAML, configuration_directory
from tests.unit.ops.commands.test_explain import RECORD
from tests.unit.ops.comparing.test_revisions import git
from tests.unit.ops.example import raises

ALICE = f'@id("alice") permit (principal == IamUser::"arn:aws:iam::{HOME}:user/alice", action, resource);'
DEV = """
@id("dev") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"open")
when { principal.hasTag("team") && principal.getTag("team").text == "a" };"""
TIME = ("--time", "2026-01-07T12:00:00Z")


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two directories: in the second one, alice has a role less, and developers have two."""
    old = configuration_directory(tmp_path / "old", ALICE)
    new = configuration_directory(tmp_path / "new", ALICE.replace("resource", 'resource in RoleGroup::"open"') + DEV)
    monkeypatch.chdir(tmp_path)
    return str(old), str(new)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    got = admin.main(["diff", *arguments])
    printed = capsys.readouterr()
    assert got == status, printed.out + printed.err
    return printed.out, printed.err


def test_it_tells_what_changes_and_whose_access_differs(
    sides: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    printed, said = run(capsys, *sides, *TIME)
    assert said == ""
    lines = printed.splitlines()
    assert lines[0].startswith(f"From {sides[0]} (digest ") and lines[1].startswith(f"to   {sides[1]} (digest ")
    assert lines[2:] == [
        "",
        "Policies",
        '  ~ alice: resource in RoleGroup::"open" (was: every role)',
        '  + dev: permit group dev of issuer okta; resource in RoleGroup::"open"; when principal.hasTag("team"); '
        'when principal.getTag("team").text == "a"',
        "",
        "Access granted (1)",
        "  + reader, writer: group dev of issuer okta, such as oidc:okta:someone (group dev, team=a)",
        "      Denied by default: no permit applies. -> Allowed by dev.",
        "",
        "Access taken (1)",
        f"  - deep: arn:aws:iam::{HOME}:user/alice",
        "      Allowed by alice. -> Denied by default: no permit applies.",
        "",
        lines[-1],
    ]
    assert lines[-1].startswith("Decided by both: 0 tests, ") and lines[-1].endswith(" made for policies.")


def test_it_says_the_same_each_time(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    for form in ((), ("--json",), ("--markdown",)):
        assert run(capsys, *sides, *TIME, *form) == run(capsys, *sides, *TIME, *form)


def test_the_exit_status_tells_where_it_is_to(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *sides, "--exit-code", status=1)
    run(capsys, sides[0], sides[0], "--exit-code")
    described = Path(sides[0]).parent / "described"
    configuration_directory(
        described, ALICE, roles=ROLES_YAML.replace("name: reader,", "name: reader, description: X,")
    )
    printed, _ = run(capsys, sides[0], str(described), "--exit-code")
    assert "  ~ reader: `description`: X" in printed and "Nobody's access differs, of all that was asked." in printed


def test_the_same_files_differ_in_nothing(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, sides[0], sides[0])[0].splitlines()[2:] == ["Nothing differs."]
    assert run(capsys, sides[0], sides[0], "--markdown")[0].splitlines()[2:] == ["Nothing differs."]


def test_json_holds_all_of_it(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(run(capsys, *sides, *TIME, "--json")[0])
    assert told["AccessChanges"] is True and told["LeftOut"] == [] and told["Records"] is None
    assert [(one["Kind"], one["Sign"], one["Name"]) for one in told["Changes"]] == [
        ("policy", "~", "alice"),
        ("policy", "+", "dev"),
    ]
    assert told["Taken"] == [
        {
            "Roles": ["deep"],
            "Who": f"arn:aws:iam::{HOME}:user/alice",
            "Example": f"arn:aws:iam::{HOME}:user/alice",
            "From": "policies",
            "Before": "Allowed by alice.",
            "After": "Denied by default: no permit applies.",
            "When": None,
            "Requests": 1,
            "Partly": False,
        }
    ]
    assert [one["Roles"] for one in told["Granted"]] == [["reader", "writer"]]
    assert (told["Asked"]["records"], told["Asked"]["tests"]) == (0, 0)


def test_markdown_is_a_report_for_a_pull_request(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(capsys, *sides, *TIME, "--markdown")[0]
    assert printed.startswith(f"### credvend: `{sides[0]}` \u2192 `{sides[1]}`\n\n**1 granted, 1 taken.**\n")
    assert "| Role | Who | Before | After |\n| --- | --- | --- | --- |\n| reader, writer | group dev of" in printed
    assert '- policy \\~ alice: resource in RoleGroup::"open" (was: every role)' in printed


def test_names_in_markdown_mean_themselves(
    tmp_path: Path, sides: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    odd = ALICE.replace('@id("alice")', '@id("a|b <img src=x> [x](y) @team `c`")')
    new = configuration_directory(tmp_path / "odd", odd.replace("resource", 'resource == Role::"reader"'))
    printed = run(capsys, sides[0], str(new), "--markdown")[0]
    assert "a\\|b \\<img src=x\\> \\[x\\](y) @<!-- -->team \\`c\\`" in printed
    assert "<img" not in printed.replace("\\<img", "")


def test_a_name_of_several_lines_is_on_one(
    sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = RECORDS[0] | {"caller_subject": "dora\n  + deep: everybody", "caller": "oidc:okta:dora\n  + deep: everybody"}
    file = tmp_path / "records.json"
    file.write_text(json.dumps(odd))
    for form in ((), ("--markdown",)):
        printed = run(capsys, *sides, *TIME, "--records", str(file), *form)[0]
        assert "dora\\n  + deep: everybody" in printed and "\n  + deep" not in printed


RECORDS = [
    RECORD | {"request_id": "1", "caller_issuer": "okta", "requested_role": "reader", "caller_groups": ["dev"],
              "caller_claims": {"team": "a"}, "caller_subject": "dora", "caller": "oidc:okta:dora"},
    RECORD | {"request_id": "2", "caller_issuer": "okta", "requested_role": "deep", "dry_run": True},
]  # fmt: skip


def test_records_are_decided_again(sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "records.json"
    file.write_text("\n".join(map(json.dumps, [*RECORDS, RECORDS[0]])))
    told = json.loads(run(capsys, *sides, *TIME, "--records", str(file), "--json")[0])
    (found, *_) = told["Granted"]
    assert (found["Who"], found["Roles"], found["From"], found["Requests"]) == (
        "oidc:okta:dora (group dev, team=a)",
        ["reader"],
        "records",
        1,
    )
    assert (told["Records"]["Requests"], told["Records"]["DryRuns"]) == (1, 1)
    printed = run(capsys, *sides, *TIME, "--records", str(file))[0]
    assert "(1 requests of records)" in printed and "Left out: 1 dry runs." in printed


def test_records_may_be_those_of_the_log(
    sides: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def messages(_client: object, group: str, since: int, until: int, pattern: str) -> Iterator[str]:
        assert (group, round((until - since) / 86_400_000)) == ("the-group", 30)
        assert "credentials.requested" in pattern
        yield from map(json.dumps, RECORDS)

    monkeypatch.setattr("ops.commands.diff.messages", messages)
    monkeypatch.setattr("ops.commands.diff.logs_client", lambda _: None)
    monkeypatch.setattr("ops.commands.diff.log_group_of", lambda stage: {"prod": "the-group"}[stage])
    told = json.loads(run(capsys, *sides, "--replay", "30d", "--stage", "prod", "--json")[0])
    assert told["Records"]["Requests"] == 1


def test_no_rights_to_read_the_log_are_told(
    sides: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = OperationFailed("Your AWS credentials do not give you logs:FilterLogEvents on the-group: no")
    monkeypatch.setattr("ops.commands.diff.messages", raises(refusal))
    monkeypatch.setattr("ops.commands.diff.logs_client", lambda _: None)
    said = run(capsys, *sides, "--replay", "30d", "--log-group", "the-group", status=1)[1]
    assert "do not give you logs:FilterLogEvents" in said


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "is empty: it needs roles.yaml, and policies/ with *.cedar files."),
        ({"roles.yaml": "roles: [", "policies/a.cedar": ALICE}, "roles.yaml:2: not valid YAML"),
        ({"policies/a.cedar": ALICE}, "roles.yaml"),
        ({"roles.yaml": ROLES_YAML, "issuers.yaml": ISSUERS_YAML}, "policies"),
        (
            {"roles.yaml": ROLES_YAML, "issuers.yaml": ISSUERS_YAML, "policies/a.cedar": ALICE + "\nperrmit;"},
            "policies/a.cedar:2: ",
        ),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_wrong_with_a_side_is_told_with_its_file_and_line(
    sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    files: dict[str, str], says: str, place: int,
) -> None:  # fmt: skip
    broken = tmp_path / "broken"
    broken.mkdir()
    for name, text in files.items():
        (broken / name).parent.mkdir(exist_ok=True)
        (broken / name).write_text(text)
    both = [*sides]
    both[place] = str(broken)
    said = run(capsys, *both, status=1)[1]
    assert said.startswith(f"{broken} is ") and says in said and "Traceback" not in said


def test_a_revision_is_compared_with_the_directory(
    tmp_path: Path, sides: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration_directory(tmp_path / "repository/config", ALICE)
    git(tmp_path / "repository", "init", "-q", "-b", "main")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "-q", "-m", "one")
    configuration_directory(config, ALICE + DEV)
    monkeypatch.chdir(config)
    assert admin.main(["diff", "main", *TIME]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("From main (digest ") and "Access granted (1)" in printed
    assert admin.main(["diff", "maim"]) == 1
    assert "maim is neither a directory nor a revision" in capsys.readouterr().err


def test_what_cannot_be_is_told(
    sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is a file: name the directory" in run(capsys, sides[0] + "/roles.yaml", sides[1], status=1)[1]
    assert "cannot be read: No such file" in run(capsys, *sides, "--records", "nowhere.json", status=1)[1]
    assert "do not go together" in run(capsys, *sides, "--json", "--markdown", status=2)[1]
    assert "do not go together" in run(capsys, *sides, "--records", "x", "--replay", "1d", status=2)[1]
    tests = Path(sides[1]) / "tests"
    tests.mkdir()
    (tests / "a.yaml").write_text("tests: [{name: x}]")
    assert f"The tests of {sides[1]} are not in order:" in run(capsys, *sides, status=1)[1]


def test_no_aws_credentials_are_told(
    sides: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ops.deployed.configuration.find_account", raises(CommandFailed("The AWS credentials cannot be read: none"))
    )
    assert "The AWS credentials cannot be read: none" in run(capsys, "deployed", sides[1], status=1)[1]


@pytest.mark.parametrize("note", ["", "d"])
def test_what_is_deployed_is_a_side(
    sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    note: str,
) -> None:  # fmt: skip
    package = tmp_path / "package"
    copy_configuration(package, Path(sides[0]))
    monkeypatch.setattr("ops.comparing.sides.unpack_deployed", lambda stage: DeployedConfiguration(package, note))
    printed, said = run(capsys, "deployed", sides[1], *TIME)
    assert printed.startswith("From deployed (digest ") and "Access taken (1)" in printed
    assert ("somebody deploys just now" in said) is bool(note)
