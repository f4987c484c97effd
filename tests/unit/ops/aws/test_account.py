"""Whose credentials a command acts with: they are looked up once."""

import sys
from pathlib import Path

import pytest

from ops.aws.account import find_account
from ops.aws.aws_cli import AwsCli
from ops.errors import CommandFailed

# As a role to assume does: whoever asks anew gets another session.
PROCESS = """\
import json, pathlib
asked = pathlib.Path({asked!r})
asked.write_text(asked.read_text() + "x")
key = {{"AccessKeyId": "KEY" + asked.read_text(), "SecretAccessKey": "s", "SessionToken": "token" + asked.read_text()}}
print(json.dumps({{"Version": 1}} | key))
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """For a profile whose every session is another."""
    (tmp_path / "asked").write_text("")
    (tmp_path / "process.py").write_text(PROCESS.format(asked=str(tmp_path / "asked")))
    command = f'"{sys.executable}" "{tmp_path / "process.py"}"'
    (tmp_path / "config").write_text(f"[profile changing]\ncredential_process = {command}\n")
    monkeypatch.setattr(
        AwsCli, "json", lambda aws, *_: {"Account": "1" * 12, "Arn": f"arn:{aws.environment['AWS_ACCESS_KEY_ID']}"}
    )
    return {
        "AWS_PROFILE": "changing",
        "AWS_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_SECURITY_TOKEN": "of another key",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_requests_are_signed_by_the_session_that_aws_is_run_with(environment: dict[str, str], tmp_path: Path) -> None:
    account = find_account(environment)
    signed = account.credentials()
    assert account.arn == "arn:KEYx"
    assert (signed.access_key, signed.secret_key, signed.token) == ("KEYx", "s", "tokenx")
    again = find_account(account.aws.environment)  # as the aws command line finds them
    assert again.arn == "arn:KEYx" and again.credentials().token == "tokenx"
    assert (tmp_path / "asked").read_text() == "x"
    assert account.region == "eu-west-1"


def test_without_credentials_it_says_so(environment: dict[str, str]) -> None:
    with pytest.raises(CommandFailed, match="The AWS credentials cannot be read: no AWS credentials were found"):
        find_account({"AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"})
    with pytest.raises(CommandFailed, match=r"The AWS credentials cannot be read: .*\(nope\)"):
        find_account({**environment, "AWS_PROFILE": "nope"})
