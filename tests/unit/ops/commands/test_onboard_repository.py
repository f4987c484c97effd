"""`credvend-admin onboard-github` and `-gitlab`: jobs of one repository and branch get the role, and no others."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chalicelib.configuration.issuers_file import load_issuers
from ops import admin
from ops.deciding.described import CallerEntry, Described, outcome_of
from ops.deciding.read_configuration import read_configuration
from ops.environments import ROOT
from ops.onboarding.forges import check_branch
from testing.cedar import SCHEMA
from testing.documents import blocks
from tests.unit.ops.commands.command_line import CommandLine

ROLES = """
roles:
  - {name: shop-deployer, arn: "arn:aws:iam::444455556666:role/shop-deployer", groups: [shop], require_reason: true}
  - name: "1.tenant"
    arn: arn:aws:iam::444455556666:role/tenant
    params: {tenant: {pattern: "[a-zA-Z]+"}, size: {pattern: "[0-9]+", default: "1"}}
    tags: {tenant: "${params.tenant}", size: "${params.size}"}
"""
ANOTHER = """
issuers:
  - {name: okta, issuer: "https://okta.example.com", audiences: [credvend]}
"""
GITHUB = ("onboard-github", "acme/shop", "--repository-id", "456789", "--owner-id", "123456", "--role")
GITLAB = ("onboard-gitlab", "acme/web/shop", "--project-id", "20", "--namespace-id", "72", "--role")
MAIN = {
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository_id": "456789",
    "repository_owner_id": "123456",
    "ref": "refs/heads/main",
    "event_name": "push",
}
PROTECTED = {
    "sub": "project_path:acme/web/shop:ref_type:branch:ref:main",
    "project_id": "20",
    "namespace_id": "72",
    "ref_type": "branch",
    "ref": "main",
    "ref_protected": "true",
}


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    config = tmp_path / "config"
    (config / "policies").mkdir(parents=True)
    (config / "roles.yaml").write_text(ROLES)
    (config / "schema.cedarschema").write_text(SCHEMA)
    return CommandLine(config, capsys)


def gets(config: Path, issuer: str, claims: Mapping[str, object], role: str = "shop-deployer") -> bool:
    """Whether the service would let a job with such a token have the role."""
    caller = CallerEntry(issuer=issuer, claims=dict(claims))
    described = Described(caller, role, datetime(2026, 1, 7, tzinfo=UTC), reason="release")
    return outcome_of(read_configuration(config).configuration, described).allowed


def test_what_is_written_is_valid_without_a_warning_and_its_tests_pass(line: CommandLine) -> None:
    for command in (
        (*GITHUB, "shop-deployer", "--branch", "main"),
        (*GITHUB, "shop-deployer", "--environment", "production"),
        (
            *GITHUB,
            "shop-deployer",
            "--branch",
            "next",
            "--environment",
            "a b",
            "--event",
            "push",
            "--event",
            "schedule",
        ),
    ):
        line.run(*command, "--write")
    line.run("validate", "--strict")
    out, _ = line.run("test", "--all-reached")
    assert out.endswith("9 passed, 0 failed.\n")


def test_gitlab_as_well(line: CommandLine) -> None:
    line.run(*GITLAB, "shop-deployer", "--branch", "main", "--write")
    line.run(*GITLAB, "shop-deployer", "--environment", "production", "--write")
    line.run("validate", "--strict")
    assert line.run("test", "--all-reached")[0].endswith("6 passed, 0 failed.\n")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"ref": "refs/heads/other"}, False),
        ({"ref": "refs/tags/main"}, False),
        ({"ref": "refs/pull/7/merge", "event_name": "pull_request"}, False),
        ({"event_name": "pull_request_target"}, False),  # runs for strangers' pull requests, with the branch's ref
        ({"event_name": "workflow_dispatch"}, False),
        ({"repository_id": "456780", "sub": "repo:acme/shop:ref:refs/heads/main"}, False),
        ({"repository_owner_id": "1"}, False),
    ],
)
def test_another_branch_event_or_repository_gets_nothing(
    line: CommandLine, changed: dict[str, object], expected: bool
) -> None:
    line.run(*GITHUB, "shop-deployer", "--branch", "main", "--write")
    assert gets(line.config, "github", MAIN | changed) is expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"ref": "other"}, False),
        ({"ref_type": "tag"}, False),
        ({"ref_protected": "false"}, False),
        ({"project_id": "21"}, False),
        ({"namespace_id": "73"}, False),
    ],
)
def test_another_project_or_an_unprotected_branch_gets_nothing(
    line: CommandLine, changed: dict[str, object], expected: bool
) -> None:
    line.run(*GITLAB, "shop-deployer", "--branch", "main", "--write")
    assert gets(line.config, "gitlab", PROTECTED | changed) is expected


def test_an_environment_is_let_in_whatever_the_branch_and_no_other_is(line: CommandLine) -> None:
    _, err = line.run(*GITHUB, "shop-deployer", "--environment", "production", "--write")
    assert "demand reviewers" in err
    there = MAIN | {"environment": "production", "ref": "refs/heads/x", "event_name": "workflow_dispatch"}
    assert gets(line.config, "github", there)
    assert not gets(line.config, "github", MAIN) and not gets(line.config, "github", there | {"environment": "test"})


def test_the_issuers_entries_are_those_of_the_pages(line: CommandLine, tmp_path: Path) -> None:
    for command, page in ((GITHUB, "github-actions"), (GITLAB, "gitlab-ci")):
        told: Any = line.json(*command, "shop-deployer", "--branch", "main")
        (tmp_path / "issuers.yaml").write_text(told["Issuers"])
        (made,) = load_issuers(tmp_path / "issuers.yaml", allow_loopback_http=False)
        (text,) = [one for one in blocks(ROOT / f"docs/issuers/{page}.md", "yaml") if one.startswith("issuers:")]
        (tmp_path / "issuers.yaml").write_text(text)
        (written,) = load_issuers(tmp_path / "issuers.yaml", allow_loopback_http=False)
        assert (made.name, made.url, made.audiences, made.algorithms) == (
            *(written.name, written.url, written.audiences, written.algorithms),
        )
        assert set(written.claims) <= set(made.claims)
        assert [name for name, _ in made.required_claims] == [name for name, _ in written.required_claims]


def test_an_issuer_that_is_known_keeps_its_name_audience_and_tags(line: CommandLine) -> None:
    (line.config / "issuers.yaml").write_text("""
issuers:
  - name: gh
    issuer: https://token.actions.githubusercontent.com
    audiences: ["https://credvend.example.com"]
    required_claims: {repository_owner_id: ["123456", "7"], enterprise: acme}
    claims: {repo: repository_id, ref: ref}
""")
    command = (
        "onboard-github",
        "acme/shop",
        "--repository-id",
        "456789",
        "--role",
        "shop-deployer",
        "--branch",
        "main",
    )
    told: Any = line.json(*command, "--write")
    assert told["Issuers"] is None and told["MissingTags"] == ["event_name"] and "event_name" in told["Notes"][0]
    assert 'audience: "https://credvend.example.com"' in told["Job"]
    assert 'OidcIssuer::"gh"' in told["Policy"] and 'getTag("repo")' in told["Policy"]
    text = (line.config / "issuers.yaml").read_text().replace("ref: ref}", "ref: ref, event_name: event_name}")
    (line.config / "issuers.yaml").write_text(text)
    line.run("validate")
    assert line.run("test", "--all-reached")[0].endswith("3 passed, 0 failed.\n")


def test_what_is_there_is_not_written_over(line: CommandLine) -> None:
    (line.config / "issuers.yaml").write_text(ANOTHER)
    out, _ = line.run(*GITHUB, "shop-deployer", "--branch", "main", "--write")
    assert (line.config / "issuers.yaml").read_text() == ANOTHER
    assert "# issuers.yaml, to be added to what is there\nissuers:\n  - name: github" in out
    before = {file: file.read_text() for file in line.config.rglob("*.*") if file.is_file()}
    _, err = line.run(*GITHUB, "shop-deployer", "--branch", "main", "--write", status=1)
    assert "is there already: nothing was written" in err
    assert {file: file.read_text() for file in line.config.rglob("*.*") if file.is_file()} == before


def test_without_write_nothing_is_written_and_all_is_shown(line: CommandLine) -> None:
    before = set(line.config.rglob("*"))
    out, err = line.run(*GITHUB, "shop-deployer", "--branch", "main")
    assert set(line.config.rglob("*")) == before
    titles = [text for text in out.splitlines() if text.startswith("# ")]
    name = "github-acme-shop-main-shop-deployer"
    assert titles == [
        "# issuers.yaml",
        f"# policies/{name}.cedar",
        f"# tests/{name}.yaml",
        "# The job, in the repository",
    ]
    assert "credvend-admin validate" in err


def test_the_workflow_asks_with_what_the_action_takes(line: CommandLine) -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    told: Any = line.json(*GITHUB, "1.tenant", "--branch", "main", "--environment", "test")
    workflow = yaml.safe_load(told["Job"])
    assert workflow[True] == {"push": {"branches": ["main"]}}  # YAML 1.1 takes `on` for that
    assert workflow["permissions"]["id-token"] == "write"
    ((name, job),) = workflow["jobs"].items()
    assert name == "with-1-tenant" and job["environment"] == "test"
    given_ = job["steps"][0]["with"]
    assert given_.keys() <= inputs.keys() and given_["role"] == "1.tenant" and given_["params"] == "tenant=VALUE\n"
    assert "Fill in, where VALUE stands: tenant." in told["Notes"]
    reasoned: Any = line.json(*GITHUB, "shop-deployer", "--environment", "test", "--event", "workflow_dispatch")
    (job,) = yaml.safe_load(reasoned["Job"])["jobs"].values()
    assert "github.run_id" in job["steps"][0]["with"]["reason"]


def test_the_job_asks_with_what_the_component_takes(line: CommandLine) -> None:
    spec, _ = yaml.safe_load_all((ROOT / "templates/credvend/template.yml").read_text())
    told: Any = line.json(*GITLAB, "shop-deployer", "--branch", "main")
    pipeline = yaml.safe_load(told["Job"])
    assert pipeline["include"][0]["inputs"].keys() <= spec["spec"]["inputs"].keys()
    assert pipeline["with-shop-deployer"]["extends"] == ".credvend"


NAMES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="\xa0"), min_size=1, max_size=30)


def is_branch(text: str) -> bool:
    try:
        check_branch(text)
    except ValueError:
        return False
    return True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(NAMES, NAMES.filter(is_branch))
@example('"\\" || true //', "a\"$(x)`'{}")
@example("on: [x]", "#main")
def test_whatever_a_branch_or_environment_is_called_that_alone_is_let_in(
    line: CommandLine, environment: str, branch: str
) -> None:
    if "${{" in environment + branch or "$[[" in environment + branch or not environment.isprintable():
        return
    for file in [*line.config.glob("policies/*"), *line.config.glob("tests/*"), *line.config.glob("issuers.yaml")]:
        file.unlink()
    command = (*GITHUB, "shop-deployer", f"--environment={environment}", f"--branch={branch}", "--write")
    told: Any = line.json(*command)
    claims = MAIN | {"ref": f"refs/heads/{branch}", "environment": environment}
    assert gets(line.config, "github", claims)
    assert not gets(line.config, "github", claims | {"ref": "refs/heads/another"})
    assert not gets(line.config, "github", claims | {"environment": "another"})
    workflow = yaml.safe_load(told["Job"])
    assert workflow[True]["push"]["branches"] == [branch]
    assert workflow["jobs"]["with-shop-deployer"]["environment"] == environment
    line.run("test")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((*GITHUB, "shop-deployer"), 2, "Say --branch or --environment"),
        ((*GITHUB, "shop-deplyer", "--branch", "main"), 1, "did you mean shop-deployer"),
        ((*GITHUB, "shop-deployer", "--branch", "release/*"), 2, "patterns are not understood"),
        ((*GITHUB, "shop-deployer", "--branch", "refs/heads/main"), 2, "write its name alone"),
        ((*GITHUB, "shop-deployer", "--branch", "a\u202eb"), 2, "that can be seen"),
        ((*GITHUB, "shop-deployer", "--environment", "${{ x }}"), 2, "would put a value in"),
        ((*GITHUB, "shop-deployer", "--branch", "main", "--event", "*"), 2, "no event"),
        (("onboard-github", "acme", *GITHUB[2:], "shop-deployer"), 2, "is no OWNER/REPOSITORY"),
        (("onboard-github", "acme/x/y", *GITHUB[2:], "shop-deployer"), 2, "is no OWNER/REPOSITORY"),
        (("onboard-github", "acme/shop", "--role", "shop-deployer", "--branch", "main"), 2, "--repository-id"),
        ((*GITHUB[:3], "acme", "--role", "shop-deployer", "--branch", "main"), 2, "is no number"),
        ((*GITHUB[:4], "--role", "shop-deployer", "--branch", "main"), 1, "--owner-id says whose"),
        ((*GITLAB[:4], "--role", "shop-deployer", "--branch", "main"), 1, "--namespace-id says whose"),
        (("onboard-gitlab", "acme", *GITLAB[2:], "shop-deployer"), 2, "is no GROUP/PROJECT"),
    ],
)
def test_what_is_wrong_is_said(line: CommandLine, arguments: tuple[str, ...], status: int, said: str) -> None:
    out, err = line.run(*arguments, status=status)
    assert said in err and out == ""


def test_another_issuer_of_its_name_is_not_taken_for_it(line: CommandLine) -> None:
    (line.config / "issuers.yaml").write_text(ANOTHER.replace("okta", "github"))
    _, err = line.run(*GITHUB, "shop-deployer", "--branch", "main", status=1)
    assert "another issuer that is called github" in err


def test_pull_requests_of_strangers_are_warned_of(line: CommandLine) -> None:
    command = (*GITHUB, "shop-deployer", "--branch", "main", "--event", "pull_request_target")
    assert "of strangers" in line.run(*command)[1]


def test_a_broken_configuration_is_said(line: CommandLine) -> None:
    (line.config / "roles.yaml").write_text("roles: [")
    assert admin.main([*GITHUB, "a", "--branch", "main", "--config", str(line.config)]) == 1
    assert "is no valid configuration" in line.capture.readouterr().err
