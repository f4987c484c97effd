"""Whatever KMS answers, or does not, there is a signature by the key that the token names, or none."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.signing.keys import SIGNING_KEPT_SECONDS, KeyRing, SigningFailed
from chalicelib.signing.token import signed_token
from testing.clock import Clock
from testing.kms_server import Key

ALIAS = "alias/a-signing"
UNREACHABLE = EndpointConnectionError(endpoint_url="https://kms.example.com")


class Kms:
    """A client of KMS that answers as it is told: by operation, an answer or what to raise."""

    def __init__(self, key: Key, **answers: object) -> None:
        self.key, self.answers, self.asked = key, answers, list[str]()

    def _answer(self, operation: str, usual: Mapping[str, object]) -> object:
        self.asked.append(operation)
        told = self.answers.get(operation, usual)
        if isinstance(told, Exception):
            raise told
        return told

    def get_public_key(self, KeyId: str) -> object:  # noqa: N803 botocore's name
        return self._answer(
            "get_public_key", {"KeyId": self.key.arn, "KeySpec": self.key.spec, "PublicKey": self.key.der}
        )

    def sign(self, **asked: Any) -> object:
        return self._answer("sign", {"KeyId": self.key.arn, "Signature": self.key.sign(asked["Message"])})


def ring(kms: Kms, clock: Clock | None = None) -> KeyRing:
    return KeyRing(cast(Any, kms), ALIAS, clock or Clock())


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"RequestId": "r"}}, "Sign")  # type: ignore[typeddict-item]


@pytest.mark.parametrize("operation", ["get_public_key", "sign"])
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (UNREACHABLE, "EndpointConnectionError"),
        ({}, "KeyError"),
        (None, "TypeError"),
        (refused("ThrottlingException"), "ThrottlingException"),
    ],
)
def test_without_an_answer_that_can_be_read_nothing_is_signed(operation: str, answer: object, problem: str) -> None:
    kms = Kms(Key(1, "ECC_NIST_P256"), **{operation: answer})
    with pytest.raises(SigningFailed, match=problem):
        signed_token({}, ring(kms))


def test_a_key_of_another_kind_signs_nothing() -> None:
    kms = Kms(Key(1), get_public_key={"KeyId": "arn", "KeySpec": "ECC_SECG_P256K1", "PublicKey": b""})
    with pytest.raises(SigningFailed, match="signs no tokens"):
        signed_token({}, ring(kms))


def test_where_nobody_has_the_name_nothing_is_signed_nor_published() -> None:
    kms = Kms(Key(1), get_public_key=refused("NotFoundException"))
    with pytest.raises(SigningFailed, match="NotFoundException"):
        ring(kms).signing()
    with pytest.raises(SigningFailed, match="NotFoundException"):
        ring(kms).published()


def test_keys_that_are_exchanged_again_and_again_sign_nothing() -> None:
    kms = Kms(Key(1, "ECC_NIST_P256"), sign={"KeyId": "another", "Signature": b""})
    with pytest.raises(SigningFailed, match="exchanged twice"):
        signed_token({}, ring(kms))
    assert kms.asked == ["get_public_key", "sign"] * 2


def test_a_signature_that_is_none_is_not_handed_on() -> None:
    key = Key(1, "ECC_NIST_P256")
    with pytest.raises(SigningFailed, match="cannot be read"):
        signed_token({}, ring(Kms(key, sign={"KeyId": key.arn, "Signature": b"x"})))


def test_the_key_is_asked_for_again_after_its_time() -> None:
    clock, kms = Clock(), Kms(Key(1, "ECC_NIST_P256"))
    keys = ring(kms, clock)
    for _ in range(2):
        keys.signing()
    clock.now += SIGNING_KEPT_SECONDS
    keys.signing()
    assert kms.asked == ["get_public_key"] * 2
