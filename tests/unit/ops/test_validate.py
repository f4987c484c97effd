"""Every problem of a configuration directory is told at once, with its file and its line."""

import json
import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml
from pre_commit.clientlib import load_manifest

from ops import admin
from ops.environments import ROOT
from ops.validating.problems import NOT_LOOKED_UP
from testing.app import write_config

ROLES = """
time_zone: Nowhere/Else
roles:
  - name: reader
    arn: arn:aws:iam::111122223333:role/reader
    descripton: Reads.
  - name: writer
    max_duration: 1h
    arn: not-an-arn
"""
GOOD_ROLES = """
roles:
  - name: reader
    arn: arn:aws:iam::111122223333:role/reader
    groups: [open]
"""
PERMIT = """
@id("all")
permit (principal == IamRole::"arn:aws:iam::111122223333:role/Dev", action, resource in RoleGroup::"open");
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, GOOD_ROLES, PERMIT)


def run(config: Path, capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert admin.main(["validate", "--config", str(config), *arguments]) == status
    return capsys.readouterr().out


def test_a_directory_that_is_in_order_is_valid(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.main(["validate", "--config", str(config)]) == 0
    assert capsys.readouterr() == ("", f"{config}: valid.\n")


def test_every_problem_of_every_file_is_told_at_once_with_its_line(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config / "roles.yaml").write_text(ROLES)
    (config / "issuers.yaml").write_text("issuers:\n  - name: x\n    foo: 1\n  - {name: y}\n")
    (config / "policies/bad.cedar").write_text("\n\npermit (principal, action, resource) when { 1 + };\n")
    (config / "policies/odd.cedar").write_text('\n@id("o") permit (principal, action, resource) when { context.no };\n')
    (config / "stage.yaml").write_text("tags: {a: b}\nruntme: python3.13\n")
    (config / "template.yaml").write_text("a:\n - b\n  c\n: d\n")
    (config / "tests").mkdir()
    (config / "tests/a.yaml").write_text("tests:\n  - name: a\n    roel: reader\n")
    (config / "surplus.txt").touch()
    (config / "keys").symlink_to(config / "policies")
    out = run(config, capsys, status=1)
    for place, words in [
        ("", "surplus.txt, which is no part"),
        ("", "keys is a link to a folder"),
        ("/roles.yaml:2", "`time_zone` "),
        ("/roles.yaml:6", "role 'reader' (line 6): has an unknown field `descripton`: did you mean `description`"),
        ("/roles.yaml:9", "role 'writer' (line 9): `arn` "),
        ("/issuers.yaml:3", "issuer 'x': has an unknown field `foo`"),
        ("/issuers.yaml:4", "issuer 'y': lacks the"),
        ("/policies/bad.cedar:3", "unexpected token"),
        ("/policies/odd.cedar:2", "`no`"),
        ("/stage.yaml:2", "`runtme`"),
        ("/tests/a.yaml:", "`roel`"),
        ("/template.yaml:", "not valid YAML"),
    ]:
        pattern = re.escape(f"{config}{place}") + "[0-9]*: error: .*" + re.escape(words)
        assert re.search(pattern, out), f"{place}: {words}\n{out}"
    assert out.endswith(f"{config}: warning: {NOT_LOOKED_UP}\n")


def test_what_names_nothing_is_told_once_there_is_something_to_look_it_up_in(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config / "policies/a.cedar").write_text('@id("a") permit (principal, action, resource == Role::"raeder");\n')
    (config / "sessions.yaml").write_text("keep: 90d\nquotas:\n  - name: few\n    live: 5\n    role: raeder\n")
    out = run(config, capsys, status=1)
    assert "policies/a.cedar:1: error:" in out and NOT_LOOKED_UP not in out
    (config / "policies/a.cedar").unlink()
    assert f"{config}/sessions.yaml:5: error: quota 'few': `role`" in run(config, capsys, status=1)


def test_a_directory_without_a_schema_is_checked_with_the_shipped_one(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config / "schema.cedarschema").unlink()
    assert run(config, capsys) == ""
    assert not (config / "schema.cedarschema").exists()


def test_a_catalog_of_two_partitions_or_of_another_than_the_region_is_an_error(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "eu-west-1" not in run(config, capsys, "--region", "eu-west-1")
    assert "cn-north-1, where this goes" in run(config, capsys, "--region", "cn-north-1", status=1)
    assert "no-such-1" in run(config, capsys, "--region", "no-such-1", status=1)


def test_warnings_fail_where_that_is_wanted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = '@id("past") permit (principal, action, resource) when { context.time < datetime("2020-01-01") };\n'
    (config / "policies/past.cedar").write_text(policy)
    assert "policies/past.cedar:1: warning:" in run(config, capsys)
    assert "warning" in run(config, capsys, "--strict", status=1)


def test_forges_get_their_own_form(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config / "roles.yaml").write_text(ROLES)
    (config / "policies/100%,a:b.cedar").write_text("permit\n")
    lines = run(config, capsys, "--format", "github", status=1).splitlines()
    assert all(line.startswith(("::error ", "::warning ")) for line in lines)
    assert any(line.startswith(f"::error file={config}/roles.yaml,line=6,title=credvend::role") for line in lines)
    report = json.loads(run(config, capsys, "--format", "gitlab", status=1))
    (one,) = [entry for entry in report if "descripton" in entry["description"]]
    assert one["location"] == {"path": f"{config}/roles.yaml", "lines": {"begin": 6}}
    assert one["severity"] == "blocker" and len({entry["fingerprint"] for entry in report}) == len(report)
    found = json.loads(run(config, capsys, "--json", status=1))
    assert {
        key: value for key, value in next(e for e in found if "descripton" in e["Message"]).items() if key != "Message"
    } == {"Severity": "error", "File": "roles.yaml", "Line": 6}


def test_no_text_of_a_file_passes_for_another_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config / "roles.yaml").write_text('roles:\n  - {name: "a\\n::error::b\\e[2J", arn: x}\n')
    for form in ("text", "github"):
        out = run(config, capsys, "--format", form, status=1)
        assert "\x1b" not in out and not any(line.startswith("::error::b") for line in out.splitlines())


@pytest.mark.parametrize(
    ("there", "words"),
    [(None, "is not there"), ("file", "is not a directory"), ("empty", "is empty: it needs roles.yaml")],
)
def test_what_is_no_configuration_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str | None, words: str
) -> None:
    place = tmp_path / "place"
    if there == "file":
        place.touch()
    elif there == "empty":
        place.mkdir()
    assert admin.main(["validate", "--config", str(place)]) == 1
    printed = capsys.readouterr()
    assert words in printed.out + printed.err and "Traceback" not in printed.err


def test_pre_commit_takes_the_hook_and_it_runs_from_any_directory(config: Path) -> None:
    (hook,) = load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("credvend-validate", "unsupported_script", False)
    command = [str(ROOT / hook["entry"]), *hook["args"], "--config", config.name]
    done = subprocess.run(command, cwd=config.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_recipes_of_the_documentation_are_yaml_and_name_what_there_is() -> None:
    section = (ROOT / "docs/operate.md").read_text().partition("## Validate")[2].partition("\n## ")[0]
    recipes = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]
    hook, github, gitlab = recipes
    assert hook["repos"][0]["hooks"][0]["id"] == "credvend-validate"
    commands = [step["run"] for step in github["jobs"]["credvend"]["steps"] if "run" in step]
    commands += [line for line in gitlab["credvend"]["script"] if "credvend-admin" in line]
    for command in commands:
        program, name, *options = command.partition(" >")[0].split()
        assert program == ".credvend/credvend-admin"
        with click.Context(admin.cli) as ctx:
            made = admin.cli.get_command(ctx, name)
            assert made is not None
            made.make_context(name, ["--config", str(ROOT / "chalicelib/config"), *options[2:]])
