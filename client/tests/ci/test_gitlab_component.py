"""The component: GitLab knows its keys, its script works as runners run it, and no input becomes YAML or a command."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ci_machine import ROOT, job, machine
from fake_service import SECRET, TOKEN, FakeService, Planned

TEXT = (ROOT / "templates/credvend/template.yml").read_text()
HEADER, BODY = TEXT.split("\n---\n")
INPUTS: dict[str, dict[str, str]] = yaml.safe_load(HEADER)["spec"]["inputs"]
# The runner's shell is bash where the image has it, else sh. https://docs.gitlab.com/runner/shells/
SHELLS = [shell for shell in ("bash", "sh", "busybox") if shutil.which(shell)]
JOB_TOKEN = "eyJ.the-jobs.token"


def rendered(**given: str) -> dict[str, Any]:
    """The configuration as GitLab makes it: inputs are checked, put into the text, and that is read as YAML.

    See lib/gitlab/ci/config/interpolation/ of GitLab: TextInterpolator, and StringInput for the pattern.

    Raises:
        ValueError: an input is refused.
    """
    text = BODY
    for name, spec in INPUTS.items():
        value = given.get(name, spec.get("default"))
        if value is None or not re.search(spec["regex"].replace(r"\z", r"\Z"), value):
            raise ValueError(name)
        text = text.replace(f"$[[ inputs.{name} ]]", value)
    assert "$[[" not in text
    return dict(yaml.safe_load(text))


def test_gitlab_knows_every_key() -> None:
    """https://docs.gitlab.com/ci/yaml/"""
    assert set(yaml.safe_load(HEADER)) == {"spec"} and set(yaml.safe_load(HEADER)["spec"]) == {"inputs"}
    for spec in INPUTS.values():
        assert set(spec) <= {"default", "description", "options", "regex", "type"} and spec["description"]
    (name, made), *others = rendered(role="r", url="https://a.example.com", package="a.whl").items()
    assert name == ".credvend" and not others, "a hidden job, which runs nothing by itself"
    assert set(made) == {"image", "id_tokens", "variables", "before_script"}
    assert made["id_tokens"] == {"CREDVEND_ID_TOKEN": {"aud": "credvend"}}
    for variable in made["variables"].values():
        assert set(variable) == {"value", "expand"} and variable["expand"] is False


def test_inputs_stand_in_strings_and_in_no_script() -> None:
    assert set(re.findall(r"\$\[\[ inputs\.([a-z]+) \]\]", BODY)) == set(INPUTS)
    for line in BODY.splitlines():
        assert "$[[" not in line or re.fullmatch(r'( +[a-z]+: )?"\$\[\[ inputs\.[a-z]+ \]\]":?', line)
    assert "$[[" not in BODY[BODY.index("before_script") :]


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("text", ['x"\n    evil: "', 'x" # ', "x\\", "$[[ inputs.url ]]\n", "x\nscript: [evil]", '"'])
def test_no_input_becomes_yaml(name: str, text: str) -> None:
    fine = {"role": "reports", "url": "https://a.example.com", "package": "a.whl"}
    with pytest.raises(ValueError, match=name):
        rendered(**{**fine, name: text})


@pytest.mark.parametrize("name", ["reason", "params"])
@pytest.mark.parametrize("text", ["$CI_JOB_TOKEN 'a' #b: {c} [d] & *e !f %g @h `i` ~", "- x: y", "größer", ""])
def test_what_people_write_comes_as_it_is(name: str, text: str) -> None:
    made = rendered(role="reports", url="https://a.example.com", package="a.whl", **{name: text})
    assert made[".credvend"]["variables"][f"CREDVEND_JOB_{name.upper()}"]["value"] == text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` builds."""
    into = tmp_path_factory.mktemp("wheel")
    build = "import sys; from pathlib import Path; from ops.dist import build; build(Path('client'), Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(into)], cwd=ROOT, check=True, timeout=120)
    (built,) = into.glob("*.whl")
    return built


class Pipeline:
    """A job that extends the component's."""

    def __init__(self, directory: Path, wheel: Path, service: FakeService) -> None:
        self.environ = machine(directory, has_pip=True) | {"GITLAB_CI": "true", "CREDVEND_ID_TOKEN": JOB_TOKEN}
        self.workspace = directory / "workspace"
        self.workspace.mkdir()
        for name in ("pip", "venv", "setuptools", "click", "credvend", "sitecustomize", "json"):
            (self.workspace / f"{name}.py").write_text("raise SystemExit('ran what a merge request brought')\n")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        # A file that pip finds by its address, as it would one of https.
        self.inputs = {"role": "reports", "url": service.url, "package": f"file://{wheel}#sha256={digest}"}

    def run(self, shell: str, script: str = "env", **inputs: str) -> subprocess.CompletedProcess[str]:
        """The job's scripts, one after the other in one shell, as a runner runs them."""
        made = rendered(**{**self.inputs, **inputs})[".credvend"]
        variables = {name: variable["value"] for name, variable in made["variables"].items()}
        lines = ["set -e", *made["before_script"], script]
        command = ["busybox", "sh"] if shell == "busybox" else [shell]
        return job(command, "\n".join(lines), {**self.environ, **variables}, self.workspace)


@pytest.fixture
def pipeline(tmp_path: Path, wheel: Path, service: FakeService) -> Pipeline:
    return Pipeline(tmp_path, wheel, service)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_jobs_script_has_the_credentials_and_no_longer_the_token(
    pipeline: Pipeline, service: FakeService, shell: str
) -> None:
    done = pipeline.run(shell)
    assert done.returncode == 0, done.stderr
    given = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert (given["AWS_SECRET_ACCESS_KEY"], given["AWS_SESSION_TOKEN"]) == (SECRET, TOKEN)
    assert "CREDVEND_ID_TOKEN" not in given and JOB_TOKEN not in done.stdout + done.stderr
    assert SECRET not in done.stderr
    (asked,) = service.asked
    assert asked.json == {"role": "reports"} and asked.headers["authorization"] == f"Bearer {JOB_TOKEN}"
    assert list(Path(pipeline.environ["HOME"]).iterdir()) == [], "nothing is left behind"


def test_each_input_does_what_it_says(pipeline: Pipeline, service: FakeService) -> None:
    (pipeline.workspace / "b=of-the-workspace").touch()
    reason = "INC-42: $(touch ran) `touch ran` '; touch ran; #"
    done = pipeline.run("sh", duration="15m", reason=reason, region="eu-west-1", params=" a=1 b=*  --format=json")
    assert done.returncode == 0, done.stderr
    params = {"a": "1", "b": "*", "--format": "json"}
    assert service.asked[0].json == {"role": "reports", "duration": 900, "reason": reason, "params": params}
    assert "AWS_REGION=eu-west-1" in done.stdout.splitlines()
    assert not (pipeline.workspace / "ran").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_refusal_ends_the_job(pipeline: Pipeline, service: FakeService, shell: str) -> None:
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No.", "RequestId": "r"})]
    done = pipeline.run(shell, script="echo went on")
    assert done.returncode != 0 and "went on" not in done.stdout and "credvend: " in done.stderr


def test_another_wheel_than_the_one_that_was_meant_is_not_installed(pipeline: Pipeline, service: FakeService) -> None:
    address = pipeline.inputs["package"].partition("#")[0]
    done = pipeline.run("sh", script="echo went on", package=f"{address}#sha256={'0' * 64}")
    assert done.returncode != 0 and "went on" not in done.stdout and service.asked == []
    assert "hash" in (done.stdout + done.stderr).lower()


def test_a_job_that_logs_every_command_gets_no_credentials(pipeline: Pipeline, service: FakeService) -> None:
    pipeline.environ["CI_DEBUG_TRACE"] = "true"
    done = pipeline.run("sh")
    assert done.returncode == 1 and "CI_DEBUG_TRACE" in done.stderr and service.asked == []
