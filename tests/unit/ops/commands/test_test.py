"""`credvend-admin test`: what it prints, and what it exits with."""

import json
from pathlib import Path

import pytest

from ops.environments import ROOT
from tests.unit.ops.commands.command_line import TESTS, CommandLine, command_line

FAILING = TESTS.replace("expect: deny", "expect: allow")


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line(tmp_path, capsys)


def test_tests_that_pass_are_counted_and_policies_without_one_are_named(line: CommandLine) -> None:
    out, err = line.run("test")
    assert out.splitlines() == [
        "No test reaches policy dev (policies/a.cedar, line 3).",
        "No test reaches policy ci (policies/a.cedar, line 5).",
        "No test reaches policy addresses (policies/a.cedar, line 7).",
        "2 passed, 0 failed.",
    ]
    assert err == ""
    line.run("test", "--all-reached", status=1)


def test_a_failure_tells_what_was_expected_what_came_and_why(line: CommandLine) -> None:
    line.write(FAILING)
    out, _ = line.run("test", status=1)
    assert out.splitlines()[:5] == [
        "FAILED developers of team b do not (tests/a.yaml, line 6)",
        "  expect: expected allow, got deny",
        "  Denied by default: no permit applies.",
        "    permit dev (policies/a.cedar, line 3) does not apply:",
        '      line 4: when `principal.getTag("team").text == "a"` is false; principal.getTag("team").text is "b"',
    ]
    assert out.splitlines()[-1] == "1 passed, 1 failed."


def test_some_of_the_tests_are_run_by_a_part_of_their_names(line: CommandLine) -> None:
    line.write(FAILING)
    assert line.run("test", "alice")[0] == "1 passed, 0 failed.\n"
    line.run("test", "alice", "team b", status=1)
    assert "No test has 'bob' in its name; there are 2." in line.run("test", "bob", status=1)[1]


def test_json_has_all_of_it(line: CommandLine) -> None:
    line.write(FAILING)
    found = line.json("test", status=1)
    assert (found["Passed"], found["Failed"], found["Unreached"]) == (1, 1, ["dev", "ci", "addresses"])
    tests = found["Tests"]
    assert isinstance(tests, list)
    good, bad = tests
    assert good["Passed"] and good["Outcome"]["Session"]["RoleSessionName"] == "user=alice@111122223333"
    assert bad["Differences"] == [{"What": "expect", "Expected": "allow", "Got": "deny"}]
    (dev,) = bad["Explanation"]["Permits"]
    assert [(one["Text"], one["Holds"], one["Saw"]) for one in dev["Conditions"]] == [
        ('principal.hasTag("team")', True, {'principal.getTag("team")': '"b"'}),
        ('principal.getTag("team").text == "a"', False, {'principal.getTag("team").text': '"b"'}),
    ]
    assert line.json("test", "alice")["Unreached"] is None


def test_what_a_file_says_passes_for_no_line_of_ours(line: CommandLine) -> None:
    line.write(FAILING.replace("developers of team b do not", '"x\\n9 passed, 0 failed.\\e[2J"'))
    out, _ = line.run("test", status=1)
    assert out.startswith("FAILED x\\n9 passed, 0 failed.\\x1b[2J (tests/a.yaml")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("roles.yaml", None, "holds no roles.yaml."),
        ("roles.yaml", "roles: [", "roles.yaml:2: not valid YAML"),
        ("policies/a.cedar", "permit (", "policies/a.cedar:1: "),
        ("policies/a.cedar", "", "policies/a.cedar"),
        ("schema.cedarschema", "x", "schema.cedarschema: "),
        ("issuers.yaml", "issuers: {}", 'issuers.yaml:1: must hold a list "issuers"'),
        ("tests/a.yaml", "tests: [", "tests/a.yaml: not valid YAML"),
        ("tests/a.yaml", "tests: [{name: x}]", "tests/a.yaml: test 'x' (line 1): lacks the required field"),
        ("tests/a.yaml", None, "There are no tests in "),
        ("tests/a.yaml", "", "There are no tests in "),
    ],
)
def test_a_broken_directory_is_told_and_not_tested(
    line: CommandLine, file: str, text: str | None, message: str
) -> None:
    if text is None:
        (line.config / file).unlink()
    else:
        (line.config / file).write_text(text)
    out, err = line.run("test", status=1)
    if file == "policies/a.cedar" and text == "":
        return  # an empty file is a policy file without policies: nobody is let in
    assert message in err and out == ""


def test_without_a_directory_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = CommandLine(tmp_path / "nowhere", capsys)
    assert "is not there" in line.run("test", status=1)[1]
    (tmp_path / "empty").mkdir()
    assert "is empty: it needs roles.yaml" in CommandLine(tmp_path / "empty", capsys).run("test", status=1)[1]


def test_what_is_shipped_passes_its_own_tests_and_all_policies_are_reached(capsys: pytest.CaptureFixture[str]) -> None:
    shipped = CommandLine(ROOT / "chalicelib/config", capsys)
    assert shipped.run("test", "--all-reached")[0] == "3 passed, 0 failed.\n"


def test_the_schema_of_tests_knows_every_key() -> None:
    schema = json.loads((ROOT / "chalicelib/config/tests.schema.json").read_text())
    assert set(schema["$defs"]["CasesFile"]["properties"]) == {"address", "time", "callers", "tests"}
    case = schema["$defs"]["CaseEntry"]
    assert case["additionalProperties"] is False
    assert set(case["required"]) == {"name", "caller", "role", "expect"}
    assert set(schema["$defs"]["CallerEntry"]["properties"]) == {
        *("arn", "principal_id", "issuer", "claims", "token", "owner", "tags"),
    }
