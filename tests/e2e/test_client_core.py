"""The client's commands that vend and tell, at the deployed service."""

import json
import re
import subprocess
from typing import cast

import pytest

from local.aws import ACCOUNT, REGION
from ops.environments import programs
from testing.client import Client
from testing.deployed import Json, Key, Stack
from testing.operators import admin, create


def arn_of(stack: Stack, key: Key) -> str:
    return stack.sts(key).get_caller_identity()["Arn"]


def vends_with_reason(stack: Stack, reason: str, event: str) -> list[Json]:
    """The records of requests with a reason, which tells one test's from all others."""
    found = [cast(Json, json.loads(line)) for line in stack.lines() if line.startswith("{")]
    return [record for record in found if record.get("reason") == reason and record.get("event") == event]


def test_get_vends_credentials_that_work(client: Client) -> None:
    answer = client.json("get", "instances", "--duration", "15m", "--reason", "count the instances")
    key = client.remember(answer)
    assert arn_of(client.stack, key) == f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/user=alice@{ACCOUNT}"
    assert answer["Role"] == "instances" and answer["SourceIdentity"] == f"user=alice@{ACCOUNT}"
    (record,) = [
        record
        for record in vends_with_reason(client.stack, "count the instances", "credentials.vended")
        if record["request_id"] == answer["RequestId"]
    ]
    assert (record["caller"], record["duration"]) == (f"arn:aws:iam::{ACCOUNT}:user/alice", 900)


def test_a_shell_takes_what_get_prints(client: Client) -> None:
    aws = f"{programs('aws') / 'python'} -m awscli"
    script = f'eval "$({programs("client") / "credvend"} get instances --format env)" && {aws} sts get-caller-identity'
    done = client.command("bash", "-c", script)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith(f"assumed-role/instances/user=alice@{ACCOUNT}")


def test_exec_runs_one_command_as_the_role(client: Client) -> None:
    aws = [str(programs("aws") / "python"), "-m", "awscli"]
    done = client.run("exec", "instances", "--", *aws, "sts", "get-caller-identity")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith(f"assumed-role/instances/user=alice@{ACCOUNT}")
    refused = client.run("exec", "instances", "--", *aws, "iam", "list-users")
    assert refused.returncode != 0 and "credvend:" not in refused.stderr


def test_process_serves_sdks_through_a_profile(client: Client) -> None:
    (client.home / ".aws").mkdir()
    process = f"{programs('client') / 'credvend'} process instances"
    (client.home / ".aws/config").write_text(
        f"[profile instances]\nregion = {REGION}\ncredential_process = {process}\n"
    )
    alice = client.stack.alice
    keys = f"aws_access_key_id = {alice.access_key_id}\naws_secret_access_key = {alice.secret_access_key}\n"
    (client.home / ".aws/credentials").write_text(f"[alice]\n{keys}")
    shell = client.without("AWS_ACCESS", "AWS_SECRET", "AWS_CONFIG_FILE", "AWS_SHARED").with_variables(
        CREDVEND_PROFILE="alice"
    )
    code = "import boto3; print(boto3.Session(profile_name='instances').client('sts').get_caller_identity()['Arn'])"
    done = shell.command(client.python, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(f"assumed-role/instances/user=alice@{ACCOUNT}")


def test_fifty_processes_at_once_make_one_request(client: Client) -> None:
    command = [str(programs("client") / "credvend"), "process", "instances", "--reason", "fifty at once"]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(command, env=client.environment, stdout=pipe, stderr=pipe, text=True) for _ in range(50)
    ]
    said = [process.communicate(timeout=120) for process in running]
    assert {process.returncode for process in running} == {0}, said
    assert len(set(said)) == 1 and "ASIA" in said[0][0]
    assert len(vends_with_reason(client.stack, "fifty at once", "credentials.requested")) == 1
    assert len(vends_with_reason(client.stack, "fifty at once", "credentials.vended")) == 1


def test_the_cache_serves_the_second_request_and_can_be_cleared(client: Client) -> None:
    first = client.json("get", "instances")
    assert client.json("get", "instances") == first
    assert client.json("process", "instances")["AccessKeyId"] == client.remember(first).access_key_id
    assert client.run("cache", "clear").returncode == 0
    assert client.json("get", "instances")["RequestId"] != first["RequestId"]


def test_params_tags_and_a_policy_shape_the_session(client: Client) -> None:
    denied = client.home / "deny-put.json"
    statement = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    denied.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    scoped = client.json("get", "by-param", "--param", "tenant=acme", "--policy", str(denied), "--dry-run")
    policy = cast(dict[str, list[Json]], scoped["Policy"])["Statement"]
    assert policy[0]["Resource"] == "arn:aws:s3:::tenant-data/acme/*" and policy[-1] == statement
    shell = client.with_token(client.stack.oidc.client_token("shaped", {"tenant": "acme"}))
    tags = cast(Json, shell.json("get", "by-tag", "--tag", "Project=apollo", "--dry-run")["Tags"])
    assert (tags["Tenant"], tags["Project"]) == ("acme", "apollo")
    shell.remember(shell.json("get", "by-tag", "--tag", "Project=apollo"))
    refused = client.run("get", "by-param")
    assert refused.returncode == 2 and "Param tenant is required" in refused.stderr
    assert re.search(r"^by-param +.* tenant", client.output("roles"), re.M)


def test_roles_and_whoami_tell_people_and_scripts(client: Client) -> None:
    roles = cast(list[Json], client.json("roles", "--json"))
    names = {role["Role"] for role in roles}
    assert {"instances", "brief", "reasoned"} <= names and "forbidden" not in names
    table = client.output("roles")
    assert re.search(r"^ROLE +ACCOUNT +GROUPS +DEFAULT +LONGEST +REASON +PARAMS +DESCRIPTION$", table, re.M)
    assert re.search(r"^instances +.*Lists instances\.$", table, re.M)
    assert re.search(r"^reasoned +.*required$", table, re.M)
    assert client.json("whoami", "--json")["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert re.search(rf"^Arn +arn:aws:iam::{ACCOUNT}:user/alice$", client.output("whoami"), re.M)


def test_a_dry_run_explains_and_vends_nothing(client: Client) -> None:
    explained = client.json("get", "instances", "--dry-run", "--reason", "only to see")
    assert explained["DryRun"] is True and explained["Policies"] == ["alice-may-use-open-roles"]
    assert vends_with_reason(client.stack, "only to see", "credentials.vended") == []


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (["get", "instances", "--duration", "never"], 2),
        (["get", "reasoned"], 2),
        (["get", "forbidden"], 4),
        (["get", "no-such-role"], 4),
        (["get", "untrusting"], 5),
        (["exec", "forbidden", "--", "echo", "started"], 4),
        (["process", "forbidden"], 4),
    ],
)
def test_each_refusal_is_one_line_with_its_exit_code(client: Client, words: list[str], exit_code: int) -> None:
    done = client.run(*words)
    assert (done.returncode, done.stdout) == (exit_code, ""), done.stderr
    assert done.stderr.startswith("credvend: ") and len(done.stderr.splitlines()) == 1


def test_a_forbidden_role_looks_like_an_unknown_one(client: Client) -> None:
    forbidden, unknown = client.run("get", "forbidden"), client.run("get", "no-such-role")
    without_id = [re.sub(r"request [0-9a-f-]+", "", done.stderr) for done in (forbidden, unknown)]
    assert without_id[0] == without_id[1] and forbidden.returncode == unknown.returncode


def test_a_wrong_key_cannot_prove_who_it_is(client: Client) -> None:
    for name, value in (("AWS_SECRET_ACCESS_KEY", "x" * 40), ("AWS_ACCESS_KEY_ID", "AKIAAAAAAAAAAAAAAAAA")):
        done = client.with_variables(**{name: value}).run("whoami")
        assert done.returncode == 3, done.stderr


def test_api_tokens_and_oidc_tokens_vend_from_a_variable_and_from_a_file(client: Client) -> None:
    stack = client.stack
    token = create(stack, "client-report", "--tag", "team=data")
    key = client.remember(client.with_token(token).json("get", "brief"))
    assert arn_of(stack, key).endswith("assumed-role/brief/token=client-report")
    assert client.with_token(token).run("get", "instances").returncode == 4
    assert client.with_token("cvt_nonsense").run("whoami").returncode == 3
    file = client.home / "token"
    file.write_text(stack.oidc.client_token("deployer", {"ref": "refs/heads/main", "repository": "acme/app"}))
    shell = client.without("AWS_ACCESS", "AWS_SECRET").with_variables(CREDVEND_TOKEN_FILE=str(file))
    assert arn_of(stack, client.remember(shell.json("get", "instances"))).endswith("oidc=local=deployer")
    admin(stack, "revoke", "client-report")


def test_one_caller_does_not_get_what_another_one_got(client: Client) -> None:
    first = client.json("get", "instances")
    stranger = client.stack.add_user("client-stranger", "execute-api:Invoke")
    other = client.with_variables(
        AWS_ACCESS_KEY_ID=stranger.access_key_id, AWS_SECRET_ACCESS_KEY=stranger.secret_access_key
    )
    assert client.remember(first).access_key_id and other.run("get", "instances").returncode == 4


def test_the_library_vends_and_makes_sessions(client: Client) -> None:
    code = (
        "import credvend\n"
        "given = credvend.credentials('instances')\n"
        "session = credvend.session('instances')\n"
        "print(given.account_id, given.assumed_role_arn)\n"
        "print(session.client('sts').get_caller_identity()['Arn'])\n"
        "print(session.get_credentials().access_key == given.access_key_id)"
    )
    done = client.command(client.python, "-c", code)
    assert done.returncode == 0, done.stderr
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/user=alice@{ACCOUNT}"
    assert done.stdout.splitlines() == [f"{ACCOUNT} {arn}", arn, "True"]


def test_nothing_secret_is_in_what_verbose_says(client: Client) -> None:
    for words in (["get", "instances"], ["whoami"], ["roles"], ["get", "forbidden"]):
        done = client.run("--verbose", *words)
        assert "http://127.0.0.1" in done.stderr
        assert client.stack.alice.secret_access_key not in done.stderr
    key = client.remember(client.json("get", "instances"))
    said = client.run("--verbose", "get", "instances").stderr
    assert key.secret_access_key not in said and str(key.session_token) not in said
