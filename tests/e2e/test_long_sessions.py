"""Sessions of 12 hours and leases of seconds have the identity of one of an hour, and are revoked like it."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.table import Table
from chalicelib.ledger.index_keys import SHARDS
from chalicelib.ledger.reading import LedgerReader
from chalicelib.revocation import requests
from chalicelib.revocation.requests import Asked
from local.aws import ACCOUNT
from ops.iam.statements import trust_statement
from testing.deployed import Answer, Json, Key, Stack

# What one test writes into a role's policies is there for those after it.
pytestmark = pytest.mark.together
PATIENCE_SECONDS = 30.0
ALICES_NAME = f"user=alice@{ACCOUNT}"
LASTING, LEASED = (f"arn:aws:iam::{ACCOUNT}:role/e2e/{name}" for name in ("lasting", "leased"))
ENDS_OF = {"12h": timedelta(hours=12), "1h": timedelta(hours=1), "60s": timedelta(seconds=60)}


@pytest.fixture(scope="module")
def outputs(stack: Stack) -> dict[str, str]:
    (described,) = stack.cloudformation().describe_stacks(StackName=stack.deployed.stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


@pytest.fixture(scope="module", autouse=True)
def roles(stack: Stack, outputs: dict[str, str]) -> Iterator[None]:
    """A role of 12 hours, which trusts credvend's tokens for itself, and one of an hour."""
    issuer = outputs["IssuerUrl"]
    host = issuer.removeprefix("https://")
    iam = stack.iam()
    remove_roles(stack)
    with suppress(iam.exceptions.NoSuchEntityException):
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    made = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    provider = made["OpenIDConnectProviderArn"]
    federated: Json = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {"StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": LASTING}},
    }
    revoker = trust_statement(outputs["RevokerRoleArn"])
    rights = ("ec2:DescribeInstances", "sts:GetScopedCredentials")
    stack.add_role("lasting", {"Version": "2012-10-17", "Statement": [federated, revoker]}, *rights, path="/e2e/")
    iam.update_role(RoleName="lasting", MaxSessionDuration=43_200)
    service = trust_statement(stack.deployed.function_role_arn)
    stack.add_role("leased", {"Version": "2012-10-17", "Statement": [service, revoker]}, *rights, path="/e2e/")
    yield
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    remove_roles(stack)


def remove_roles(stack: Stack) -> None:
    """Delete both, if they are there; a revoker that is at work may write a policy meanwhile."""
    iam = stack.iam()
    for name in ("lasting", "leased"):
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=name, PolicyName=policy)
                iam.delete_role(RoleName=name)
            except iam.exceptions.NoSuchEntityException:
                break
            except iam.exceptions.DeleteConflictException:
                assert time.monotonic() < ends, "it could not be deleted"


def vend(stack: Stack, role: str, duration: str) -> Answer:
    answer = stack.vend({"role": role, "duration": duration, "reason": "ticket 7"})
    assert answer.status == 200, answer.text
    return answer


def refusal(stack: Stack, key: Key) -> str | None:
    """How a session is refused that lists instances; None: it is not."""
    try:
        stack.ec2(key).describe_instances()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


@pytest.mark.parametrize(
    ("role", "duration", "issued_by"),
    [
        ("lasting", "12h", "web_identity"),
        ("lasting", "1h", "web_identity"),
        ("lasting", "60s", "web_identity"),
        ("leased", "1h", "assume_role"),
        ("leased", "60s", "assume_role"),
    ],
)
def test_a_session_of_any_length_works_and_says_who_it_is(
    stack: Stack, role: str, duration: str, issued_by: str
) -> None:
    before = datetime.now(UTC)
    answer = vend(stack, role, duration)
    ends = datetime.fromisoformat(json.loads(answer.text)["Credentials"]["Expiration"])
    assert timedelta(seconds=-2) <= ends - before - ENDS_OF[duration] <= timedelta(seconds=30)
    assert refusal(stack, answer.key) is None
    who = stack.sts(answer.key).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{ALICES_NAME}"
    assert answer.body["SourceIdentity"] == ALICES_NAME
    requested, vended = stack.records(answer)
    assert (requested["event"], vended["event"]) == ("credentials.requested", "credentials.vended")
    assert (vended["issued_by"], vended["access_key_id"]) == (issued_by, answer.key.access_key_id)
    assert ("sts_scoped_request_id" in vended) == (duration == "60s")
    assert ("signing_key" in vended) == (role == "lasting")


def test_a_lease_is_dead_when_it_has_ended(stack: Stack) -> None:
    for role in ("lasting", "leased"):
        key = vend(stack, role, "2s").key
        assert refusal(stack, key) is None
        ends = time.monotonic() + PATIENCE_SECONDS
        while refusal(stack, key) is None:
            assert time.monotonic() < ends, "it never ended"
            time.sleep(0.1)
        assert refusal(stack, key) == "RequestExpired"


@pytest.mark.parametrize(("role", "arn"), [("lasting", LASTING), ("leased", LEASED)])
@pytest.mark.parametrize("duration", ["12h", "10m"])
def test_a_session_of_any_length_is_known_to_the_ledger_and_revoked(
    stack: Stack, role: str, arn: str, duration: str
) -> None:
    if (role, duration) == ("leased", "12h"):
        duration = "1h"
    answer, other = (vend(stack, role, duration) for _ in range(2))
    ledger = LedgerReader(stack.dynamodb(), f"{stack.deployed.stack}-sessions", SHARDS)
    entry = ledger.get(str(answer.body["RequestId"]))
    assert entry is not None and entry.access_key_id == answer.key.access_key_id
    now = time.time()
    table = Table(f"{stack.deployed.stack}-revocations", stack.dynamodb())
    asked = Asked(arn, round(now * 1000), int(now + 43_200), "test", None, False)
    requests.ask(table, requests.session_item(asked, str(answer.body["RequestId"])))
    ends = time.monotonic() + PATIENCE_SECONDS
    while refusal(stack, answer.key) is None:
        assert time.monotonic() < ends, "it was never revoked"
        time.sleep(0.1)
    assert refusal(stack, answer.key) == "UnauthorizedOperation"
    assert refusal(stack, other.key) is None


def test_a_token_for_one_role_is_worth_nothing_at_another(stack: Stack) -> None:
    """A role that trusts the provider for its own name alone lets no token in that names another role."""
    trust = json.loads(json.dumps(stack.iam().get_role(RoleName="lasting")["Role"]["AssumeRolePolicyDocument"]))
    mistaken = json.dumps(trust).replace(LASTING, LEASED)
    stack.iam().update_assume_role_policy(RoleName="lasting", PolicyDocument=mistaken)
    try:
        answer = stack.vend({"role": "lasting", "duration": "12h"})
        assert (answer.status, stack.records(answer)[-1]["cause"]) == (502, "not_trusted")
        assert "credvend-admin onboard" in answer.text
    finally:
        stack.iam().update_assume_role_policy(RoleName="lasting", PolicyDocument=json.dumps(trust))


def test_no_token_of_credvends_is_in_the_log(stack: Stack) -> None:
    vend(stack, "lasting", "12h")
    text = "\n".join(stack.lines())
    assert "eyJ" not in text  # as the header of every token begins


def test_the_public_documents_are_for_everybody(stack: Stack, outputs: dict[str, str]) -> None:
    told = stack.send("GET", "/.well-known/openid-configuration")
    assert (told.status, told.body["issuer"]) == (200, outputs["IssuerUrl"])
    keys = stack.send("GET", "/.well-known/jwks.json")
    assert keys.status == 200 and keys.headers["Cache-Control"] == "public, max-age=300"
    assert '"d"' not in keys.text
