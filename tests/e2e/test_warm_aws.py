"""A command of the aws command line that was spared its start does what any other does."""

from pathlib import Path

import pytest

from ops.aws import aws_cli
from ops.environments import programs
from ops.processes.run import run
from testing.warm_aws import Run, warm_aws

COMMANDS = [
    ("configure", "get", "region"),
    ("configure", "get", "output"),  # there is none
    ("s3api", "nonsense"),
    ("sts", "get-caller-identity"),  # without credentials
    ("cloudformation", "package", "--template-file", "here.json", "--s3-bucket", "none"),
]


def test_it_says_and_returns_the_same_in_each_environment_and_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    environments = []
    for region in ("eu-west-3", "us-west-2"):
        (tmp_path / region).write_text(f"[default]\nregion = {region}\n")
        environments.append({**without, "AWS_CONFIG_FILE": str(tmp_path / region)})
    (tmp_path / "here.json").write_text("{}")
    aws = [str(programs("aws") / "python"), "-m", "awscli"]
    asked = [(command, environments[0]) for command in COMMANDS] + [(COMMANDS[0], environments[1])]

    def say(run: Run) -> list[tuple[int, str, str]]:
        ended = [run([*aws, *command], environment=environment) for command, environment in asked]
        return [(done.returncode, done.stdout, done.stderr) for done in ended]

    before = vars(aws_cli)["run"]
    with warm_aws() as warm:
        assert vars(aws_cli)["run"] is warm
        monkeypatch.chdir(tmp_path)
        expected = say(run)
        assert say(warm) == expected
    assert vars(aws_cli)["run"] is before
    assert [status for status, _, _ in expected] == [0, 1, 2, 255, 0, 0]
    assert (expected[0][1], expected[-1][1]) == ("eu-west-3\n", "us-west-2\n")
