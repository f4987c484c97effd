"""Signatures that are forged, cut, moved, or of a token that was changed afterwards."""

from collections.abc import Callable
from typing import Final

import pytest

from testing.tokens import (
    Key,
    decode,
    document,
    ec_key,
    ecdsa_der,
    encode,
    honest_claims,
    honest_header,
    rsa_key,
    sign,
    signature,
)
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import curve_key, key
from tests.security.jwt.tokens import Make, plain, soon

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def with_curve_signature(change: Callable[[bytes], bytes]) -> Make:
    """An ES256 token whose signature is replaced by what is made of it."""

    def make() -> str:
        honest, _, good = sign(honest_claims(), curve_key()).rpartition(".")
        return f"{honest}.{encode(change(decode(good)))}"

    return make


def der_signed() -> str:
    honest = sign(honest_claims(), curve_key()).rpartition(".")[0]
    return f"{honest}.{encode(ecdsa_der(honest.encode(), curve_key()))}"


def point_at_r() -> str:
    """Where r is the public key's own x: nothing but a number that the verifier knows."""
    x = decode(str(curve_key().public_jwk["x"]))
    return with_curve_signature(lambda _: x + x)()


CURVE: Final[dict[str, Make]] = {
    "r and s zero": with_curve_signature(lambda _: bytes(64)),
    "r zero": with_curve_signature(lambda good: bytes(32) + good[32:]),
    "s zero": with_curve_signature(lambda good: good[:32] + bytes(32)),
    "r and s the order": with_curve_signature(lambda _: ORDER.to_bytes(32) * 2),
    "r the order": with_curve_signature(lambda good: ORDER.to_bytes(32) + good[32:]),
    "s the order": with_curve_signature(lambda good: good[:32] + ORDER.to_bytes(32)),
    "r and s one": with_curve_signature(lambda _: (1).to_bytes(32) * 2),
    "all ones": with_curve_signature(lambda _: b"\xff" * 64),
    "r and s swapped": with_curve_signature(lambda good: good[32:] + good[:32]),
    "r and s of the public key": point_at_r,
    "DER": der_signed,
    "a byte short": with_curve_signature(lambda good: good[:-1]),
    "without the first byte": with_curve_signature(lambda good: good[1:]),
    "a byte long": with_curve_signature(lambda good: good + b"\0"),
    "a zero before it": with_curve_signature(lambda good: b"\0" + good),
    "a zero before each half": with_curve_signature(lambda good: b"\0" + good[:32] + b"\0" + good[32:]),
    "half of it": with_curve_signature(lambda good: good[:32]),
    "twice": with_curve_signature(lambda good: good * 2),
    "one byte": with_curve_signature(lambda _: b"\0"),
    "as long as that of RSA": with_curve_signature(lambda good: good * 4),
}


@pytest.mark.parametrize("make", each(CURVE))
def test_a_forged_signature_of_a_curve_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


def flipped(data: bytes, position: int, bit: int = 1) -> bytes:
    changed = bytearray(data)
    changed[position] ^= bit
    return bytes(changed)


def with_parts(change: Callable[[bytes, bytes, bytes], tuple[bytes, bytes, bytes]], signer: Callable[[], Key]) -> Make:
    """An honest token, whose decoded parts are changed afterwards."""

    def make() -> str:
        head, payload, good = (decode(part) for part in sign(honest_claims(), signer()).split("."))
        return ".".join(encode(part) for part in change(head, payload, good))

    return make


def _flip_in_typ(head: bytes, payload: bytes, good: bytes) -> tuple[bytes, bytes, bytes]:
    # JWT becomes jWT, which is the same type.
    return flipped(head, head.index(b"JWT"), 0x20), payload, good


def _flip_in_sub(head: bytes, payload: bytes, good: bytes) -> tuple[bytes, bytes, bytes]:
    return head, flipped(payload, payload.index(b"alice"), 0x20), good


def changed_after_signing(**changes: object) -> Make:
    def make() -> str:
        head, _, good = sign(honest_claims(), key()).split(".")
        return f"{head}.{encode(document(honest_claims(**changes)))}.{good}"

    return make


TAMPERED: Final[dict[str, Make]] = {
    **{
        f"{what}, {kind}": with_parts(change, signer)
        for kind, signer in (("RSA", key), ("EC", curve_key))
        for what, change in {
            "a bit of the header": _flip_in_typ,
            "a bit of the payload": _flip_in_sub,
            "the first bit of the signature": lambda h, p, s: (h, p, flipped(s, 0, 0x80)),
            "a bit in the middle of the signature": lambda h, p, s: (h, p, flipped(s, len(s) // 2)),
            "the last bit of the signature": lambda h, p, s: (h, p, flipped(s, -1)),
            "a signature without its end": lambda h, p, s: (h, p, s[:-1]),
            "a signature without its start": lambda h, p, s: (h, p, s[1:]),
            "a signature with a byte more": lambda h, p, s: (h, p, s + b"\0"),
            "a signature with a zero before it": lambda h, p, s: (h, p, b"\0" + s),
            "a signature of zeros": lambda h, p, s: (h, p, bytes(len(s))),
            "a signature of one": lambda h, p, s: (h, p, (1).to_bytes(len(s))),
            "an empty signature": lambda h, p, s: (h, p, b""),
            "a member more in the header": lambda h, p, s: (h.replace(b"{", b'{"x":1,', 1), p, s),
            "a space in the payload": lambda h, p, s: (h, p + b" ", s),
        }.items()
    },
    "another subject": changed_after_signing(sub="bob@example.com"),
    "a later end": lambda: changed_after_signing(exp=int(soon(1200)))(),
    "a group more": changed_after_signing(groups=["admins"]),
    "the modulus as signature": with_parts(lambda h, p, _: (h, p, decode(str(key().public_jwk["n"]))), key),
    "the signature of another token": lambda: (
        plain()().rpartition(".")[0] + "." + plain(sub="bob")().rpartition(".")[2]
    ),
    "a signature over the payload alone": with_parts(lambda h, p, _: (h, p, signature(p, key())), key),
    "a signature over the decoded parts": with_parts(lambda h, p, _: (h, p, signature(h + b"." + p, key())), key),
    "an unknown key": lambda: sign(honest_claims(), rsa_key("rsa-1", "attacker")),
    "an unknown key, EC": lambda: sign(honest_claims(), ec_key("ec-1", "attacker")),
    "the key of another name": lambda: sign(honest_claims(), rsa_key("rsa-2"), honest_header(key())),
}


@pytest.mark.parametrize("make", each(TAMPERED))
def test_a_token_that_was_changed_after_signing_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())
