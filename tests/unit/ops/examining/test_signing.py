"""The key that signs and the keys that are published are held against each other."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.signing.keys import SigningKey
from ops.aws.reader import NotTold
from ops.errors import OperationFailed
from ops.examining.finding import Finding
from ops.examining.signing import signing_findings
from ops.examining.stack import DeployedStack
from testing.kms_server import Key
from tests.unit.ops.examining.fake_aws import ACCOUNT, STACK, FakeAws, denied

ALIAS = f"alias/{STACK}-signing"
API = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/api"
KEY = Key(1)
KID = SigningKey("", "RS256", KEY.der).id


class World:
    """A stage that signs, in order unless told otherwise."""

    def __init__(self) -> None:
        self.aws = FakeAws()
        self.key: dict[str, Any] = {"KeyId": "k1", "KeySpec": "RSA_2048", "KeyState": "Enabled"}
        self.aws.answers["kms.describe_key"] = lambda asked: {
            "KeyMetadata": self.key if asked["KeyId"] == ALIAS else {}
        }
        self.aws.answers["kms.get_public_key"] = lambda _: {"PublicKey": KEY.der}
        self.outputs = {
            "RestAPIId": "a1b2c3",
            "EndpointURL": f"{API}/",
            "IssuerUrl": API,
            "SigningAlias": ALIAS,
            "SigningAlgorithm": "RS256",
        }
        self.asked: list[str] = []
        self.published: Callable[[], frozenset[str]] = lambda: frozenset({"other", KID})

    def found(self, endpoint: str | None = None) -> list[Finding]:
        def keys_at(url: str) -> frozenset[str]:
            self.asked.append(url)
            return self.published()

        stack = DeployedStack(STACK, "UPDATE_COMPLETE", ACCOUNT, self.outputs, {}, {})
        return list(signing_findings(self.aws, stack, endpoint, keys_at))


@pytest.fixture
def world() -> World:
    return World()


def test_a_stage_that_signs_in_order_or_not_at_all_is_not_spoken_of(world: World) -> None:
    assert world.found() == [] and world.asked == [API]
    assert world.found("http://127.0.0.1:4566") == []
    assert world.asked[1] == "http://127.0.0.1:4566/_aws/execute-api/a1b2c3/api"
    world.outputs["IssuerUrl"] = "https://tokens.example.com"
    assert world.found("http://127.0.0.1:4566") == [] and world.asked[2] == "https://tokens.example.com"
    del world.outputs["SigningAlias"]
    assert world.found() == [] and len(world.asked) == 3


@pytest.mark.parametrize(
    ("state", "spec"), [("Disabled", "RSA_2048"), ("PendingDeletion", "RSA_2048"), ("Enabled", "HMAC_256")]
)
def test_a_key_that_cannot_sign_is_said_with_what_brings_it_back(world: World, state: str, spec: str) -> None:
    world.key |= {"KeyState": state, "KeySpec": spec}
    (finding,) = world.found()
    assert finding.level == "problem" and f"key k1 is {state} and of kind {spec}" in finding.what
    assert "aws kms enable-key --key-id k1" in finding.do[0] and "keys rotate --now" in finding.do[1]


def test_a_name_that_no_key_has_is_a_problem(world: World) -> None:
    world.aws.answers["kms.describe_key"] = NotTold("no", "gone")
    (finding,) = world.found()
    assert (finding.level, finding.what[:24]) == ("problem", "no key has this name: no")


def test_what_may_not_be_asked_is_not_known(world: World) -> None:
    world.aws.answers["kms.get_public_key"] = denied("kms:GetPublicKey")
    (finding,) = world.found()
    assert (finding.level, finding.right) == ("unknown", "kms:GetPublicKey")


def test_a_copy_without_the_key_is_a_problem(world: World) -> None:
    world.published = lambda: frozenset({"other"})
    (finding,) = world.found()
    assert finding.level == "problem" and "does not hold the key that signs" in finding.what


def test_keys_that_nobody_can_read_are_a_problem(world: World) -> None:
    def nobody() -> frozenset[str]:
        raise OperationFailed("timed out")

    world.published = nobody
    (finding,) = world.found()
    assert finding.level == "problem" and finding.what == "STS cannot read its keys: timed out"


def test_another_algorithm_than_the_stages_is_a_note(world: World) -> None:
    world.outputs["SigningAlgorithm"] = "ES256"
    (finding,) = world.found()
    assert finding.level == "note" and finding.do == ("credvend-admin keys rotate",)
