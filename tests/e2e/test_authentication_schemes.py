"""Whom API Gateway lets through, and as whom: SigV4 signatures and bearer tokens."""

import re

import pytest

from local.aws import ACCOUNT
from testing.deployed import Key, Stack, allow

WHOAMI = "/v1/iam/whoami"
ROUTES = [("POST", "/v1/iam/credentials"), ("GET", "/v1/iam/roles"), ("GET", WHOAMI), ("GET", "/v1/iam/health")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unsigned_request_is_refused(stack: Stack, method: str, path: str) -> None:
    assert stack.send(method, path).status == 403


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_wrongly_signed_request_is_refused(stack: Stack, method: str, path: str) -> None:
    forged = Key(stack.alice.access_key_id, "x" * 40)
    assert stack.call(method, path, key=forged).status == 403


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unknown_key_is_refused(stack: Stack, method: str, path: str) -> None:
    assert stack.call(method, path, key=Key("AKIAAAAAAAAAAAAAAAAA", "x" * 40)).status == 403


def test_a_signature_is_good_for_one_body_only(stack: Stack) -> None:
    headers = stack.sign(stack.alice, "POST", "/v1/iam/credentials", b'{"role": "instances"}')
    assert stack.send("POST", "/v1/iam/credentials", b'{"role": "brief"}', headers).status == 403


def test_a_signature_is_good_for_one_route_only(stack: Stack) -> None:
    headers = stack.sign(stack.alice, "GET", WHOAMI)
    assert stack.send("GET", WHOAMI, headers=headers).status == 200
    assert stack.send("GET", "/v1/iam/roles", headers=headers).status == 403


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_caller_without_invoke_is_refused(stack: Stack, method: str, path: str) -> None:
    name = f"no-invoke-{ROUTES.index((method, path))}"
    assert stack.call(method, path, key=stack.add_user(name, "ec2:*")).status == 403


def test_a_user_is_seen_as_that_user(stack: Stack) -> None:
    seen = stack.call("GET", WHOAMI).body
    assert (seen["Arn"], seen["Type"]) == (f"arn:aws:iam::{ACCOUNT}:user/alice", "IamUser")
    assert str(seen["PrincipalId"]).startswith("AIDA") and seen["Account"] == ACCOUNT
    assert seen["RoleSessionName"] == f"user=alice@{ACCOUNT}"


def test_a_user_with_a_path_and_a_temporary_key_is_seen_as_that_user(stack: Stack) -> None:
    carol = stack.add_user("carol", "execute-api:Invoke", "sts:GetSessionToken", path="/team/blue/")
    given = stack.sts(carol).get_session_token()["Credentials"]
    key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert stack.call("GET", WHOAMI, key=key).body["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/blue/carol"


def test_a_role_session_is_seen_with_role_and_session_name(stack: Stack) -> None:
    seen = stack.call("GET", WHOAMI, key=person(stack, "alice@example.com")).body
    assert seen["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/person/alice@example.com"
    assert (seen["Type"], seen["RoleArn"]) == ("IamRole", f"arn:aws:iam::{ACCOUNT}:role/person")


def test_a_role_session_is_vended_to_under_its_own_name(stack: Stack) -> None:
    answer = stack.vend({"role": "for-sessions"}, key=person(stack, "carol@example.com"))
    assert answer.status == 200
    arn = stack.sts(answer.key).get_caller_identity()["Arn"]
    assert arn.endswith(f"assumed-role/for-sessions/role=person=carol@example.com@{ACCOUNT}")
    assert stack.vend({"role": "for-sessions"}, key=person(stack, "carol@example.org")).status == 403
    assert stack.vend({"role": "for-sessions"}).status == 403


def test_a_federated_user_is_seen_as_that_user(stack: Stack) -> None:
    broker = stack.add_user("broker", "execute-api:Invoke", "sts:GetFederationToken")
    given = stack.sts(broker).get_federation_token(Name="dave", Policy=allow("execute-api:Invoke"))["Credentials"]
    key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    seen = stack.call("GET", WHOAMI, key=key).body
    assert (seen["Arn"], seen["Type"]) == (f"arn:aws:sts::{ACCOUNT}:federated-user/dave", "FederatedUser")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_account_root_is_refused(stack: Stack, method: str, path: str) -> None:
    answer = stack.call(method, path, b"{}" if method == "POST" else b"", key=stack.root)
    assert answer.status == 403 and answer.body["Code"] == "CallerRefused"


def test_health_is_open_and_tells_nothing(stack: Stack) -> None:
    answer = stack.send("GET", "/v1/health")
    assert (answer.status, answer.text) == (200, '{"Status":"ok"}')
    assert answer.headers["Cache-Control"] == "no-store"


def test_stack_health_and_records_name_the_same_configuration(stack: Stack) -> None:
    digest = stack.deployed.configuration
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert stack.call("GET", "/v1/iam/health").body == {"Status": "ok", "Configuration": digest}
    (record,) = stack.records(stack.call("GET", "/v1/iam/roles"))
    assert record["configuration"] == digest


def person(stack: Stack, session_name: str) -> Key:
    """A session of a role that people sign in to."""
    iam = stack.iam()
    if "person" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        stack.add_user("signer", "sts:AssumeRole")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        stack.add_role("person", {"Version": "2012-10-17", "Statement": [trust]}, "execute-api:Invoke")
    made = iam.create_access_key(UserName="signer")["AccessKey"]
    return stack.assume(Key(made["AccessKeyId"], made["SecretAccessKey"]), "person", session_name)
