"""AWS's SDKs get their credentials from the deployed service by themselves: clients that nobody here wrote."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from local import npm
from local.aws import ACCOUNT, REGION
from ops.environments import ROOT, programs
from testing.deployed import MAIN, Json, Stack
from testing.operators import admin, create

PROGRAMS = ROOT / "tests/e2e/sdks"
URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
AWS = [str(programs("aws") / "aws"), "ec2", "describe-instances"]
CLIENTS = ("boto3", "aws", "javascript")


def command(client: str) -> list[str]:
    """What lists instances with that client."""
    if client == "boto3":
        return [sys.executable, str(PROGRAMS / "list_instances.py")]
    if client == "aws":
        return [*AWS, "--query", "Reservations[].Instances[].InstanceId", "--output", "text"]
    npm.ensure("sdk")
    return javascript("list_instances.mjs")


def javascript(program: str) -> list[str]:
    """What runs a program on the AWS SDK for JavaScript."""
    npm.ensure("sdk")
    return [str(npm.node()), str(npm.place("sdk") / program)]


def run(arguments: list[str], stack: Stack, home: Path, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a program that knows of AWS where the local one is, and besides these settings nothing."""
    place = {"AWS_ENDPOINT_URL": stack.aws.endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        arguments, env=environment | place | settings, cwd=home, capture_output=True, text=True, check=False
    )


def uri(stack: Stack, role: str = "instances", query: str = "") -> str:
    return f"{stack.url}/v1/credentials/{role}{query}"


def records(stack: Stack, reason: str) -> list[Json]:
    """The audit records of the requests with that reason."""
    found = [cast(Json, json.loads(line)) for line in stack.lines() if line.startswith("{")]
    return [record for record in found if record.get("reason") == reason]


@pytest.fixture(scope="module")
def api_token(stack: Stack) -> Iterator[str]:
    """A token, of which the service has heard already.

    SDKs wait one or two seconds for an answer and try a few times more, which the first start of the function in the
    local AWS outlasts.
    """
    token = create(stack, "sdk", "--tag", "uses=sdk")
    assert stack.present(token).status == 200
    yield token
    admin(stack, "revoke", "sdk")


@pytest.fixture(params=["API token", "OIDC token"])
def token(request: pytest.FixtureRequest, stack: Stack, api_token: str) -> str:
    return api_token if request.param == "API token" else stack.oidc.client_token("deployer", MAIN)


@pytest.mark.parametrize("scheme", ["Bearer ", ""], ids=["Bearer", "bare"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_lists_instances_and_knows_nothing_but_two_variables(
    stack: Stack, tmp_path: Path, instance: str, token: str, client: str, scheme: str
) -> None:
    done = run(command(client), stack, tmp_path, {URI: uri(stack), TOKEN: scheme + token})
    assert (done.returncode, done.stdout.split()) == (0, [instance]), done.stderr


@pytest.mark.parametrize("scheme", ["Bearer ", ""], ids=["Bearer", "bare"])
@pytest.mark.parametrize("client", CLIENTS)
def test_the_token_may_be_in_a_file(
    stack: Stack, tmp_path: Path, instance: str, api_token: str, client: str, scheme: str
) -> None:
    (tmp_path / "token").write_text(scheme + api_token)
    done = run(command(client), stack, tmp_path, {URI: uri(stack), TOKEN_FILE: str(tmp_path / "token")})
    assert (done.returncode, done.stdout.split()) == (0, [instance]), done.stderr


def test_without_the_variables_nothing_is_listed(stack: Stack, tmp_path: Path, instance: str) -> None:
    for client in CLIENTS:
        done = run(command(client), stack, tmp_path, {})
        assert done.returncode != 0 and instance not in done.stdout


@pytest.mark.parametrize("client", CLIENTS)
def test_duration_and_reason_stand_in_the_url(
    stack: Stack, tmp_path: Path, instance: str, api_token: str, client: str
) -> None:
    reason = f"asked by {client}"
    query = "?duration=30m&reason=" + reason.replace(" ", "%20")
    done = run(command(client), stack, tmp_path, {URI: uri(stack, query=query), TOKEN: api_token})
    assert done.returncode == 0, done.stderr
    requested, vended = records(stack, reason)
    assert (requested["event"], vended["event"]) == ("credentials.requested", "credentials.vended")
    assert (vended["caller"], vended["role"], vended["duration"]) == ("token:sdk", "instances", 1800)


def test_boto3_refreshes_by_itself(stack: Stack, tmp_path: Path, instance: str, api_token: str) -> None:
    settings = {URI: uri(stack, query="?duration=30m&reason=a%20long%20life"), TOKEN: api_token}
    done = run([sys.executable, str(PROGRAMS / "live_long.py")], stack, tmp_path, settings)
    assert done.returncode == 0 and done.stderr == ""
    first, again, refreshed = done.stdout.split()
    assert first == again != refreshed
    vended = [record for record in records(stack, "a long life") if record["event"] == "credentials.vended"]
    assert [record["access_key_id"] for record in vended] == [first, refreshed]


@pytest.mark.parametrize("client", ["boto3", "aws"])
def test_a_client_whose_role_is_refused_says_why(stack: Stack, tmp_path: Path, api_token: str, client: str) -> None:
    done = run(command(client), stack, tmp_path, {URI: uri(stack, "forbidden"), TOKEN: api_token})
    assert done.returncode != 0 and done.stdout == ""
    refusal = json.loads(done.stderr[done.stderr.rindex("{") : done.stderr.rindex("}") + 1])
    assert refusal["Code"] == "AccessDenied" and "no policy" in refusal["Message"]


def test_the_sdk_for_javascript_finds_code_and_message(stack: Stack, tmp_path: Path, api_token: str) -> None:
    asked = javascript("get_credentials.mjs")
    done = run(asked, stack, tmp_path, {URI: uri(stack, "forbidden"), TOKEN: api_token})
    assert done.returncode == 1 and re.search(r"^AccessDenied: .*no policy", done.stderr), done.stderr


def test_the_docs_are_right_that_a_token_file_must_not_end_with_a_newline(
    stack: Stack, tmp_path: Path, api_token: str
) -> None:
    (tmp_path / "token").write_text(api_token + "\n")
    done = run(command("boto3"), stack, tmp_path, {URI: uri(stack), TOKEN_FILE: str(tmp_path / "token")})
    assert done.returncode != 0 and "not a legal header value" in done.stderr


def test_the_answer_has_the_fields_of_the_protocol(stack: Stack, token: str) -> None:
    answer = stack.send("GET", "/v1/credentials/instances", headers={"Authorization": token})
    fields = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration", "RoleArn", "AccountId"}
    assert answer.status == 200 and answer.body.keys() == fields
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("application/json", "no-store")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(answer.body["Expiration"]))
    assert answer.body["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/e2e/instances"
    assert answer.body["AccountId"] == ACCOUNT
    assert stack.sts(answer.key).get_caller_identity()["Account"] == ACCOUNT


@pytest.mark.parametrize("path", ["/v1/whoami", "/v1/roles"])
def test_a_bare_token_is_taken_where_sdks_call_alone(stack: Stack, token: str, path: str) -> None:
    answer = stack.send("GET", path, headers={"Authorization": token})
    assert answer.status == 401 and answer.body["Code"] == "InvalidToken"
