"""What operators do with keys, providers and roles of more than an hour: with the commands that they type."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from local.aws import ACCOUNT
from ops import admin
from testing.deployed import Stack
from tests.e2e.test_long_sessions import outputs, roles

__all__ = ["outputs", "roles"]

# What a function has read of the keys it keeps for a minute.
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.5
# One stage's keys, and roles that others change: one lane takes them, one after the other.
pytestmark = pytest.mark.together


class Operator:
    """Who types commands, with the root's credentials."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def types(self, *arguments: str, status: int | None = 0) -> Any:
        """What a command tells as JSON; with whichever status, if that is None."""
        got = admin.main([*arguments, "--stage", "local", "--json"])
        out, err = self._capsys.readouterr()
        assert status in (None, got), out + err
        return json.loads(out)


@pytest.fixture
def operator(stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    return Operator(capsys)


def signing_key(stack: Stack) -> str:
    """Which key signed the token of a session that is vended now, or as soon as STS has read the key."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while (answer := stack.vend({"role": "lasting", "duration": "12h"})).status == 503:
        assert time.monotonic() < ends, answer.text
    assert answer.status == 200, answer.text
    return str(stack.records(answer)[-1]["signing_key"])


def test_a_key_is_exchanged_and_at_each_step_sessions_are_vended(
    stack: Stack, operator: Operator, tmp_path: Path
) -> None:
    (first,) = operator.types("keys", "list")["Keys"]
    assert first["Called"] == ["signing"]
    told = operator.types("keys", "rotate")
    assert told["Did"] == "publish" and operator.types("keys", "rotate")["Did"] is None
    _, second = told["Keys"]
    assert second["Called"] == ["next"]
    ends = time.monotonic() + PATIENCE_SECONDS
    while second["Kid"] not in stack.send("GET", "/.well-known/jwks.json").text:
        assert time.monotonic() < ends
        time.sleep(PAUSE_SECONDS)
    for file in operator.types("keys", "export", str(tmp_path))["Files"]:
        path = "/" + str(Path(file).relative_to(tmp_path))
        assert stack.send("GET", path).text.encode() == Path(file).read_bytes()
    assert signing_key(stack) == first["Kid"]
    assert operator.types("keys", "rotate", "--now")["Did"] == "switch"
    assert signing_key(stack) == second["Kid"]
    told = operator.types("keys", "rotate", "--now")
    assert told["Did"] == "finish" and "is disabled" in str(told["What"])
    assert [one["Called"] for one in told["Keys"]] == [["signing"], ["retired"]]
    assert signing_key(stack) == second["Kid"]


def test_the_doctor_finds_the_key_and_the_roles_in_order(operator: Operator) -> None:
    told = operator.types("doctor", "--role", "lasting", "--role", "leased")
    assert (told["RolesGranted"], told["Findings"]) == (2, [])
    findings = operator.types("doctor", "--only", "stack", status=None)["Findings"]
    assert not [one for one in findings if one["About"].startswith(("key alias", "issuer https"))], findings


@pytest.mark.parametrize(
    ("taken", "what"),
    [
        ("sts:TagSession", "does not allow sts:TagSession"),
        ("sts:SetSourceIdentity", "does not allow sts:SetSourceIdentity"),
        ("sts:AssumeRoleWithWebIdentity", "credvend's tokens are not let in"),
    ],
)
def test_the_doctor_says_what_a_trust_policy_lacks_and_that_mends_it(
    stack: Stack, operator: Operator, taken: str, what: str
) -> None:
    iam = stack.iam()
    trust: Any = iam.get_role(RoleName="lasting")["Role"]["AssumeRolePolicyDocument"]
    lacking = json.loads(json.dumps(trust))
    lacking["Statement"][0]["Action"].remove(taken)
    iam.update_assume_role_policy(RoleName="lasting", PolicyDocument=json.dumps(lacking))
    try:
        (finding,) = operator.types("doctor", "--role", "lasting", status=1)["Findings"]
        assert what in finding["What"]
        lacking["Statement"] += finding["TrustStatements"]
        iam.update_assume_role_policy(RoleName="lasting", PolicyDocument=json.dumps(lacking))
        assert operator.types("doctor", "--role", "lasting")["RolesGranted"] == 1
    finally:
        iam.update_assume_role_policy(RoleName="lasting", PolicyDocument=json.dumps(trust))


def test_the_doctor_tells_provider_audience_and_duration_apart(
    stack: Stack, operator: Operator, outputs: dict[str, str]
) -> None:
    iam = stack.iam()
    issuer = outputs["IssuerUrl"]
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.removeprefix('https://')}"

    def lacks() -> str:
        (finding,) = operator.types("doctor", "--role", "lasting", status=1)["Findings"]
        return str([finding["What"], *finding["Do"]])

    iam.update_role(RoleName="lasting", MaxSessionDuration=3_600)
    assert "--max-session-duration 43200" in lacks()
    iam.update_role(RoleName="lasting", MaxSessionDuration=43_200)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert f"has no OpenID Connect provider of {issuer}" in lacks()
    iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.example.com"])
    assert f"--open-id-connect-provider-arn {arn} --client-id sts.amazonaws.com" in lacks()
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    assert operator.types("doctor", "--role", "lasting")["RolesGranted"] == 1


def test_the_doctor_says_that_a_role_gives_no_leases(stack: Stack, operator: Operator) -> None:
    iam = stack.iam()
    (name, *_) = iam.list_role_policies(RoleName="leased")["PolicyNames"]
    policy = iam.get_role_policy(RoleName="leased", PolicyName=name)["PolicyDocument"]
    without = json.dumps(policy).replace("sts:GetScopedCredentials", "sts:GetCallerIdentity")
    iam.put_role_policy(RoleName="leased", PolicyName=name, PolicyDocument=without)
    try:
        (finding,) = operator.types("doctor", "--role", "leased", status=1)["Findings"]
        assert "does not cut its sessions short (no_scoped_credentials)" in finding["What"]
    finally:
        iam.put_role_policy(RoleName="leased", PolicyName=name, PolicyDocument=json.dumps(policy))
