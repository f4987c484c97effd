"""docs/agents.md is true: each task's lease is asked for as it says, and the tool has that and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ci_machine import ROOT
from fake_service import SECRET, FakeService
from fake_sts import FakeSts, fake_sts
from running import with_command

pytest.importorskip("botocore")
DOCUMENT = (ROOT / "docs/agents.md").read_text()
EXEC, SERVE, NARROW = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.M | re.S)
(DOCKER,) = re.findall(r"^```bash\n(.*?)^```$", DOCUMENT, re.M | re.S)
# What a tool has is what it tells; docker's is in the file that it is named.
_TOOL = """#!{python}
import json, os, sys
given = dict(os.environ)
if "--env-file" in sys.argv:
    lines = open(sys.argv[sys.argv.index("--env-file") + 1]).read().splitlines()
    given = dict(line.split("=", 1) for line in lines)
with open("{notes}", "a") as file:
    print(json.dumps(given), file=file)
"""


class Shell:
    """A directory with a tool in it, and a shell with credvend and a Docker that starts nothing."""

    def __init__(self, directory: Path, environ: dict[str, str]) -> None:
        self.directory = directory
        self._notes = directory / "notes"
        self.environ = with_command(environ, directory)
        for path in (directory / "tool", directory / "bin/docker"):
            path.write_text(_TOOL.format(python=sys.executable, notes=self._notes))
            path.chmod(0o755)

    def run(self, script: str) -> list[dict[str, str]]:
        """What each tool had that a script started."""
        command = ["bash", "-euc", script]
        done = subprocess.run(
            command, cwd=self.directory, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in self._notes.read_text().splitlines()]


@pytest.fixture
def shell(environ: dict[str, str], tmp_path: Path, service: FakeService) -> Shell:
    service.lifetime = 60
    return Shell(tmp_path, {**environ, "AWS_REGION": "eu-west-1"})


def policy(shell: Shell) -> object:
    return json.loads((shell.directory / "task-42.json").read_text())


def test_a_tool_has_a_lease_of_a_minute_that_its_policy_narrows(shell: Shell, service: FakeService) -> None:
    (had,) = shell.run(EXEC)
    assert had["AWS_SECRET_ACCESS_KEY"] == SECRET and "CREDVEND_TOKEN" not in had
    assert had["AWS_CREDENTIAL_EXPIRATION"] <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    (asked,) = service.asked
    assert asked.json == {
        "role": "reports", "duration": 60, "reason": "task 42: sum up the reports", "policy": policy(shell),
    }  # fmt: skip


def test_a_longer_tool_has_an_endpoint_instead_of_keys(shell: Shell, service: FakeService) -> None:
    _, had = shell.run(EXEC + SERVE)
    assert had["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
    assert "AWS_ACCESS_KEY_ID" not in had and len(service.asked) == 1, "it is the same task"


def test_a_lease_from_within_is_asked_of_aws_alone(shell: Shell, service: FakeService) -> None:
    shell.run(EXEC)
    asked_before = len(service.asked)
    session = {"AWS_ACCESS_KEY_ID": "ASIAAGENT", "AWS_SECRET_ACCESS_KEY": "its-secret", "AWS_SESSION_TOKEN": "token"}
    with fake_sts() as sts:
        shell.environ.update(session, AWS_ENDPOINT_URL_STS=sts.url)
        had = shell.run(NARROW + "./tool")
    assert [each["AWS_ACCESS_KEY_ID"] for each in had[1:]] == ["ASIALEASE"] * 2
    assert len(service.asked) == asked_before
    _check(sts, policy(shell))


def _check(sts: FakeSts, task: object) -> None:
    first, second = sts.asked
    assert json.loads(first["Policy"]) == task and "Policy" not in second
    assert [(each["DurationSeconds"], each["ScopedSessionDescription"]) for each in sts.asked] == [
        ("30", "task 42, step 3"),
        ("300", "task 42, the rest"),
    ]


def test_a_container_has_the_variables_and_nothing_else(shell: Shell, service: FakeService) -> None:
    service.lifetime = 300
    _, had = shell.run(EXEC + DOCKER)
    names = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"}
    assert had.keys() == names | {"AWS_REGION", "AWS_DEFAULT_REGION"}
    assert service.asked[1].json["policy"] == policy(shell) and service.asked[1].json["duration"] == 300


def test_what_the_document_says_of_aws_is_what_is_asked() -> None:
    assert "`GetScopedCredentials`" in DOCUMENT and "sts:GetScopedCredentials" in DOCUMENT
    assert "scopedSessionDescription" in DOCUMENT
