"""The action: GitHub knows its keys, its steps work as GitHub runs them, and no input is run by a shell."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ci_machine import ROOT, job, machine
from fake_service import SECRET, TOKEN, FakeService, Planned, fake_service

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
INSTALL, GET = STEPS
# What `shell: bash` is. https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
JOB_TOKEN = "eyJ.the-jobs.token"
NASTY = "$(touch ran) `touch ran` '; touch ran; \" ${{ github.token }} %0A::set-env"


def test_github_knows_every_key() -> None:
    """https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax"""
    assert set(ACTION) <= {"name", "author", "description", "inputs", "outputs", "runs", "branding"}
    assert {"name", "description", "runs"} <= set(ACTION)
    assert set(ACTION["runs"]) == {"using", "steps"} and ACTION["runs"]["using"] == "composite"
    for declared in ACTION["inputs"].values():
        assert set(declared) <= {"description", "required", "default", "deprecationMessage"}
        assert declared["description"] and isinstance(declared["required"], bool)
    for step in STEPS:
        known = {"name", "id", "if", "run", "shell", "env", "working-directory", "uses", "with", "continue-on-error"}
        assert set(step) <= known
        assert step["shell"] == "bash", "a run step of a composite action needs its shell"
    assert set(ACTION["branding"]) == {"icon", "color"}


def test_inputs_reach_scripts_as_variables_alone() -> None:
    for step in STEPS:
        assert "${{" not in step["run"]
        for value in step.get("env", {}).values():
            assert re.fullmatch(r"\$\{\{ inputs\.[a-z]+ \}\}", value)
    given = {re.sub(r"\W|inputs", "", value) for value in GET["env"].values()}
    assert given == set(ACTION["inputs"]), "each input is used"


@dataclass
class Runner:
    """A machine of GitHub's, with a job that may ask for a token."""

    environ: dict[str, str]
    workspace: Path
    files: Path

    def run(self, step: dict[str, Any], inputs: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a step. Inputs that are not given are empty, as they are for GitHub."""
        variables = {
            name: inputs.get(re.sub(r"\W|inputs", "", value), "") for name, value in step.get("env", {}).items()
        }
        return job(BASH, step["run"], {**self.environ, **variables}, self.workspace)

    def step(self, step: dict[str, Any], inputs: dict[str, str]) -> str:
        """Run a step that must succeed; what it says."""
        done = self.run(step, inputs)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def fails(self, step: dict[str, Any], inputs: dict[str, str]) -> str:
        with pytest.raises(AssertionError) as raised:
            self.step(step, inputs)
        return str(raised.value)

    def variables(self) -> dict[str, str]:
        """What later steps are given."""
        lines = (self.files / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner on which the first step has run: from GitHub's checkout of the action, in a workspace of strangers."""
    directory = tmp_path_factory.mktemp("runner")
    environ = machine(directory)
    action = directory / "_actions/owner/credvend/v1"
    left_out = shutil.ignore_patterns("__pycache__", "tests", "build", "*.egg-info")
    shutil.copytree(ROOT / "client", action / "client", ignore=left_out)
    # There is no index; the libraries are there already.
    (action / "client/requirements-ci.txt").write_text("# none\n")
    for name in ("workspace", "files", "temp"):
        (directory / name).mkdir()
    for name in ("env", "path"):
        (directory / "files" / name).touch()
    for name in ("pip", "venv", "setuptools", "click", "credvend", "sitecustomize", "json"):
        (directory / "workspace" / f"{name}.py").write_text("raise SystemExit('ran what a pull request brought')\n")
    environ |= {
        "GITHUB_ACTION_PATH": str(action),
        "GITHUB_ENV": f"{directory}/files/env",
        "GITHUB_PATH": f"{directory}/files/path",
        "RUNNER_TEMP": f"{directory}/temp",
        "GITHUB_ACTIONS": "true",
    }
    runner = Runner(environ, directory / "workspace", directory / "files")
    runner.step(INSTALL, {})
    return runner


@pytest.fixture
def github() -> Iterator[FakeService]:
    """Who makes the job's token."""
    with fake_service() as started:
        started.planned = [Planned(body={"value": JOB_TOKEN})] * 2
        yield started


@pytest.fixture
def runner(installed: Runner, github: FakeService) -> Runner:
    (installed.files / "env").write_text("")
    asking = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/token?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "asking"}
    return Runner(installed.environ | asking, installed.workspace, installed.files)


def test_a_job_gets_credentials_and_its_log_masks_them(
    runner: Runner, service: FakeService, github: FakeService
) -> None:
    said = runner.step(GET, {"role": "reports", "url": service.url})
    assert said.splitlines()[:3] == [f"::add-mask::{secret}" for secret in ("ASIAEXAMPLE1", SECRET, TOKEN)]
    assert not any(secret in line for line in said.splitlines()[3:] for secret in (SECRET, TOKEN, JOB_TOKEN, "asking"))
    assert JOB_TOKEN not in said
    given = runner.variables()
    assert (given["AWS_SECRET_ACCESS_KEY"], given["AWS_SESSION_TOKEN"]) == (SECRET, TOKEN)
    (asked,) = service.asked
    assert asked.json == {"role": "reports"} and asked.headers["authorization"] == f"Bearer {JOB_TOKEN}"
    assert "audience=credvend" in github.asked[0].path
    left = {file.name for file in Path(runner.environ["HOME"]).rglob("credvend*")}
    assert left == set(), "of one job, the next one on this machine finds nothing"


def test_each_input_does_what_it_says(runner: Runner, service: FakeService, github: FakeService) -> None:
    inputs = {
        "role": "reports",
        "url": service.url,
        "duration": "15m",
        "reason": "INC-42: disk full",
        "region": "eu-west-1",
        "params": "a=1\n\nb=two words\n",
        "audience": "prod",
    }
    assert set(inputs) == set(ACTION["inputs"])
    runner.step(GET, inputs)
    (asked,) = service.asked
    assert asked.json == {
        "role": "reports",
        "duration": 900,
        "reason": "INC-42: disk full",
        "params": {"a": "1", "b": "two words"},
    }
    assert runner.variables()["AWS_REGION"] == "eu-west-1" and "audience=prod" in github.asked[0].path


@pytest.mark.parametrize("name", ACTION["inputs"])
@pytest.mark.parametrize("text", [NASTY, "--format=json"])
def test_no_input_is_run_or_taken_for_an_option(runner: Runner, service: FakeService, name: str, text: str) -> None:
    done = runner.run(GET, {"role": "reports", "url": service.url, name: text})
    assert not (runner.workspace / "ran").exists()
    assert SECRET not in re.sub(r"::add-mask::.*", "", done.stdout + done.stderr), "printed as JSON"
    assert done.returncode == 0 or done.stderr.startswith(("credvend: ", "Usage: ", "Error: "))
    literal: dict[str, dict[str, object]] = {
        "role": {name: text},
        "reason": {name: text},
        "params": {"params": {"--format": "json"}},
    }
    for asked in service.asked:
        assert asked.json == {"role": "reports"} | literal.get(name, {})
    # Blanks are in no role's name, and NASTY names no parameter.
    assert len(service.asked) == 1 or name not in literal or (name != "reason" and text == NASTY)


def test_the_url_may_be_a_variable_of_the_job(runner: Runner, service: FakeService) -> None:
    runner.environ["CREDVEND_URL"] = service.url
    runner.step(GET, {"role": "reports"})
    assert len(service.asked) == 1


def test_a_refusal_ends_the_job_and_gives_nothing(runner: Runner, service: FakeService) -> None:
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No.", "RequestId": "r"})]
    said = runner.fails(GET, {"role": "reports", "url": service.url})
    assert "credvend: " in said and (runner.files / "env").read_text() == ""
    assert "input role" in runner.fails(GET, {"url": service.url})


def test_a_job_without_the_permission_is_told_of_it(runner: Runner, service: FakeService) -> None:
    del runner.environ["ACTIONS_ID_TOKEN_REQUEST_URL"]
    assert "id-token: write" in runner.fails(GET, {"role": "reports", "url": service.url})


def test_later_steps_find_credvend_and_the_jobs_own_python(runner: Runner) -> None:
    (added,) = (runner.files / "path").read_text().splitlines()
    assert [file.name for file in Path(added).iterdir()] == ["credvend"]
    runner.environ["PATH"] = f"{added}:{runner.environ['PATH']}"
    done = job(BASH, "credvend --version", runner.environ, runner.workspace)
    assert done.stdout.startswith("credvend ") and done.returncode == 0


def test_a_later_step_may_run_under_credvend(runner: Runner, service: FakeService) -> None:
    runner.step(GET, {"role": "reports", "url": service.url})
    later = {**runner.environ, **runner.variables(), "CREDVEND_URL": service.url}
    script = f"PATH={(runner.files / 'path').read_text().strip()}:$PATH\ncredvend exec --serve other -- env\n"
    done = job(BASH, script, later, runner.workspace)
    assert done.returncode == 0 and "AWS_CONTAINER_CREDENTIALS_FULL_URI=" in done.stdout
    assert "PYTHONPATH=.\n" in done.stdout, "it is the job's, and credvend alone does without"
    assert [asked.json["role"] for asked in service.asked] == ["reports", "other"]
    assert SECRET not in done.stdout


def test_it_is_installed_once_a_job(runner: Runner) -> None:
    before = (runner.files.parent / "temp/credvend/venv/pyvenv.cfg").stat().st_mtime_ns
    runner.step(INSTALL, {})
    assert (runner.files.parent / "temp/credvend/venv/pyvenv.cfg").stat().st_mtime_ns == before
    assert len((runner.files / "path").read_text().splitlines()) == 1


def test_an_old_python_is_told_of(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    runner.environ |= {"PATH": f"{tmp_path}:{runner.environ['PATH']}", "RUNNER_TEMP": str(tmp_path)}
    assert "::error::credvend needs Python 3.11" in runner.fails(INSTALL, {})


def test_what_it_installs_is_pinned_and_all_that_the_client_needs() -> None:
    pinned = (ROOT / "client/requirements-ci.txt").read_text()
    tested = (ROOT / "client/requirements-test.txt").read_text()
    needed = re.findall(r'^    "([a-z0-9-]+)>=', (ROOT / "client/pyproject.toml").read_text(), re.M)
    assert len(needed) == 5
    for name in [*needed, "setuptools"]:
        (entry,) = re.findall(rf"^{name}==(?:.+\\\n)+.+\n", pinned, re.M)
        assert "--hash=sha256:" in entry and entry in tested, f"{name} is pinned as it is tested"
    assert "--require-hashes" in INSTALL["run"]
