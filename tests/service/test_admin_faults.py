"""Commands that ask AWS, where it cannot be asked: no credentials, none that AWS takes, no rights, no network."""

import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from ops import admin
from ops.environments import ROOT
from testing.loopback import Request, Response, json_response, serve

CONFIG: Final = str(ROOT / "chalicelib/config")
ROLE: Final = "assume-role-role"
# What is typed, and what each would need first of AWS.
COMMANDS: Final = {
    "doctor": (["doctor"], "cloudformation:DescribeStacks"),
    "onboard": (["onboard", ROLE, "--config", CONFIG], "cloudformation:DescribeStacks"),
    "sessions": (["sessions"], "dynamodb:GetItem"),
    "who-can": (["who-can", ROLE, "--sessions", "--config", CONFIG], "dynamodb:GetItem"),
    "what-can": (
        ["what-can", "arn:aws:iam::278805249149:user/assume-role-user", "--sessions", "--config", CONFIG],
        "dynamodb:GetItem",
    ),
    "blocks": (["blocks"], "dynamodb:GetItem"),
    "block": (["block", "--role", ROLE, "--reason", "x"], "dynamodb:GetItem"),
    "stop": (["stop", "--reason", "x"], "dynamodb:GetItem"),
    "token list": (["token", "list"], "dynamodb:Scan"),
}
# These ask by the aws command line, a process each: it takes them a second.
BY_COMMAND_LINE: Final = {
    "diff": (["diff", "deployed", "--config", CONFIG], "sts:GetCallerIdentity"),
    "explain": (["explain", "--request", "7b1c9c8e-0000-4000-8000-000000000001", "--config", CONFIG],
                "sts:GetCallerIdentity"),
}  # fmt: skip
EVERY: Final = COMMANDS | BY_COMMAND_LINE
DENIAL: Final = "User: arn:aws:iam::111122223333:user/olga is not authorized to perform: {} on resource: *"


def refuses(code: str, message: str) -> Callable[[Request], Response]:
    """AWS that answers everything so, in the protocol that it was asked in."""

    def answer(request: Request) -> Response:
        target = request.headers.get("X-Amz-Target")
        if target is not None:
            service, action = target.partition("_")[0].lower(), target.rpartition(".")[2]
            known = {"AccessDenied": "AccessDeniedException", "ExpiredToken": "ExpiredTokenException"}
            said = {"__type": known.get(code, code), "message": message.format(f"{service}:{action}")}
            return json_response(said, 400, "application/x-amz-json-1.0")
        action = urllib.parse.parse_qs(request.body.decode()).get("Action", ["?"])[0]
        said_xml = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message.format(action)}</Message>"
            "</Error><RequestId>x</RequestId></ErrorResponse>"
        )
        return Response(403, said_xml.encode(), {"Content-Type": "text/xml"})

    return answer


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def credentials(no_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")


def run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is told by a command that cannot do its work."""
    status = admin.main(EVERY[command][0])
    printed = capsys.readouterr()
    told = printed.out + printed.err
    assert status == 1 and "Traceback" not in told, told
    return told


@pytest.mark.parametrize("command", EVERY)
def test_without_credentials_it_says_how_to_have_some(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(command, capsys)
    assert "no aws credentials" in told.lower() and "set AWS_PROFILE, or sign in" in told
    assert "s3:GetObject" not in told and "--log-group" not in told  # which would not help


@pytest.mark.parametrize("command", COMMANDS)
def test_a_profile_that_is_not_there_is_named(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "profile (nobody) could not be found" in run(command, capsys)


def test_a_profile_has_no_say_in_what_is_not_asked_of_aws(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert admin.main(["validate", "--config", CONFIG]) == 0, capsys.readouterr()


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("command", EVERY)
def test_credentials_that_have_expired_are_told(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(refuses("ExpiredToken", "The security token included in the request is expired")) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        told = run(command, capsys)
    assert "AWS does not take your credentials" in told and "sign in again" in told and "ExpiredToken" in told
    assert "s3:GetObject" not in told and "--log-group" not in told


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("command", EVERY)
def test_a_right_that_is_missing_is_named(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(refuses("AccessDenied", DENIAL)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        told = run(command, capsys)
    needed = EVERY[command][1]
    assert (needed if command in COMMANDS else needed.partition(":")[2]) in told, told


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("command", EVERY)
def test_a_network_that_is_not_there_is_told(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(refuses("AccessDenied", DENIAL)) as server:
        nobody_listens = server.url
    monkeypatch.setenv("AWS_ENDPOINT_URL", nobody_listens)
    monkeypatch.setattr("ops.aws.reader._ATTEMPTS", 1)
    told = run(command, capsys)
    assert "Could not connect to the endpoint URL" in told
