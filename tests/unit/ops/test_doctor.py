"""`credvend-admin doctor` on a command line: what is printed where, and with which status."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from ops import admin
from ops.environments import ROOT
from ops.errors import OperationFailed
from testing.documents import blocks
from tests.unit.ops.examining.fake_aws import FakeAws, verdict

BAD = "\x1b[31mRoles\nPROBLEM  role x: fine"
Run = Callable[..., tuple[str, str]]


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def run(aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setattr("ops.commands.doctor.Reader", lambda region: aws)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in ("AWS_ENDPOINT_URL", "CREDVEND_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, status: int = 0) -> tuple[str, str]:
        got = admin.main(["doctor", "--stage", "prod", *arguments])
        out, err = capsys.readouterr()
        assert got == status, out + err
        return out, err

    return run


def lacking(name: str = "reader") -> dict[str, dict[str, object]]:
    return {name: verdict(name, Lacks=[{"What": "tag_session", "Cause": "no_tag_session"}])}


def test_where_all_is_in_order_standard_output_has_nothing_but_what_was_not_asked(run: Run) -> None:
    out, err = run()
    assert out == "NOTE  issuers: not asked: no configuration directory is at hand\n    Name it by --config.\n"
    assert err == "1 of 1 roles grant what vends ask for; 1 notes.\n"
    assert run("--only", "roles") == ("", "1 of 1 roles grant what vends ask for; nothing found.\n")


def test_what_is_wrong_is_printed_with_the_statement_and_the_status_is_1(aws: FakeAws, run: Run) -> None:
    aws.verdicts = lacking()
    out, err = run("--only", "roles", status=1)
    head, do, statement = out.split("\n", 2)
    assert head.startswith("PROBLEM  role reader (arn:aws:iam::111122223333:role/reader): its trust policy lets")
    assert do.startswith("    Add to its trust policy")
    assert json.loads(statement)["Action"] == "sts:TagSession"
    assert err == "0 of 1 roles grant what vends ask for; 1 problems.\n"


def test_json_is_alone_on_standard_output(aws: FakeAws, run: Run) -> None:
    assert json.loads(run("--json")[0])["InOrder"] is True
    aws.verdicts = lacking()
    told = json.loads(run("--json", status=1)[0])
    (problem, _) = told["Findings"]
    assert told["InOrder"] is False and (told["RolesAsked"], told["RolesGranted"]) == (1, 0)
    assert problem["Level"] == "problem" and problem["TrustStatements"][0]["Action"] == "sts:TagSession"


def test_text_of_others_cannot_pass_for_ours(aws: FakeAws, run: Run) -> None:
    alarm = {"AlarmName": "x", "StateValue": "ALARM", "StateReason": BAD}
    alarm["Dimensions"] = [{"Name": "FunctionName", "Value": "credvend-prod"}]  # type: ignore[assignment]
    aws.answers["cloudwatch.describe_alarms"] = lambda _: [alarm]
    out, _ = run("--only", "stack", status=1)
    assert "\x1b" not in out and len(out.splitlines()) == 1


@pytest.mark.parametrize(("no_color", "is_coloured"), [(None, True), ("1", False)])
def test_colour_is_for_terminals_whose_people_want_it(
    aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch, no_color: str | None, is_coloured: bool
) -> None:
    aws.verdicts = lacking()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    if no_color is None:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b[31m" in run("--only", "roles", status=1)[0]) is is_coloured


def test_roles_that_are_named_are_looked_at_alone(aws: FakeAws, run: Run) -> None:
    aws.verdicts = {"reader": verdict("reader"), **lacking("other")}
    assert "1 of 1 roles" in run("--role", "reader", "--role", "reader")[1]
    assert "dynamodb.describe_table" not in aws.asked
    assert "There is no role 'nobody' in what is deployed" in run("--role", "nobody", status=1)[1]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "is empty: it needs roles.yaml"),
        ({"policies/a.cedar": ""}, "holds no roles.yaml"),
        ({"policies/a.cedar": "", "roles.yaml": "roles: ["}, "roles.yaml: not valid YAML"),
        ({"policies/a.cedar": "", "roles.yaml": "roles: [{name: x}]"}, "roles.yaml: role "),
        ({"policies/a.cedar": "", "roles.yaml": "roles: []", "issuers.yaml": "issuers: 1"}, "issuers.yaml"),
        ({"policies/a.cedar": "", "roles.yaml": "roles: []", "odd.txt": ""}, "holds odd.txt"),
    ],
)
def test_a_directory_that_is_no_configuration_says_why(
    aws: FakeAws, run: Run, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    for name, text in files.items():
        (config / name).parent.mkdir(exist_ok=True)
        (config / name).write_text(text)
    assert said in run("--config", str(config), status=1)[1]
    assert aws.asked == []


def test_what_is_mistyped_is_told(run: Run) -> None:
    assert "'everything' is not one of" in run("--only", "everything", status=2)[1]
    assert "nowhere is not there: --config names the directory" in run("--config", "nowhere", status=1)[1]


def test_issuers_are_asked_without_aws(run: Run, aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "policies").mkdir()
    (tmp_path / "roles.yaml").write_text("roles: []")
    out, err = run("--only", "issuers")
    assert out == "" and err == "0 issuers were asked; nothing found.\n" and aws.asked == []


def test_no_credentials_end_it_with_what_to_do(aws: FakeAws, run: Run) -> None:
    aws.answers["cloudformation.describe_stacks"] = OperationFailed("No AWS credentials: set AWS_PROFILE, or sign in.")
    assert run(status=1) == ("", "No AWS credentials: set AWS_PROFILE, or sign in.\n")


def test_the_commands_of_the_documentation_do_as_it_says(run: Run, aws: FakeAws, tmp_path: Path) -> None:
    aws.verdicts = {name: verdict(name) for name in ("readonly", "deploy", "other")}
    (tmp_path / "policies").mkdir()
    (tmp_path / "roles.yaml").write_text("roles: []")
    (commands,) = [block for block in blocks(ROOT / "docs/operate.md", "bash") if "credvend-admin doctor" in block]
    for command in commands.splitlines():
        program, name, *arguments = shlex.split(command.replace("$CONFIG", str(tmp_path)))
        assert (program, name) == ("./credvend-admin", "doctor")
        _, err = run(*arguments)
        assert ("2 of 2 roles" in err) is ("readonly" in command)
