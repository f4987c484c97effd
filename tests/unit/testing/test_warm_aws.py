"""A command of the aws command line that needs no start does what one with a start does."""

from pathlib import Path

import pytest

from ops.aws.aws_cli import AwsCli
from testing.warm_aws import warm_aws

COMMANDS = [
    ("configure", "get", "region"),
    ("configure", "get", "output"),  # there is none
    ("s3api", "nonsense"),
    ("sts", "get-caller-identity", "--endpoint-url", "http://127.0.0.1:9", "--cli-connect-timeout", "1"),
    ("cloudformation", "package", "--template-file", "here.json", "--s3-bucket", "none"),
]


def test_it_says_and_returns_the_same_in_each_environment_and_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}
    ours = []
    for region in ("eu-west-3", "us-west-2"):
        (tmp_path / region).write_text(f"[default]\nregion = {region}\n")
        ours.append(AwsCli({**common, "AWS_CONFIG_FILE": str(tmp_path / region), "AWS_REGION": region}))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.json").write_text("{}")

    def run() -> list[tuple[int, str, str]]:
        ended = [ours[0].run(*command) for command in COMMANDS] + [ours[1].run(*COMMANDS[0])]
        return [(done.returncode, done.stdout, done.stderr) for done in ended]

    cold = run()
    with warm_aws():
        assert run() == cold
    assert [status for status, _, _ in cold] == [0, 1, 2, 255, 0, 0]
    assert (cold[0][1], cold[5][1]) == ("eu-west-3\n", "us-west-2\n")
