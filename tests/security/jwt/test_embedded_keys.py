"""Headers that bring a key or a certificate along, or say where there is one: `jwk`, `jku`, `x5c`, `x5u`."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from testing.tokens import ISSUER, Key, honest_claims, honest_header, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import attacker, key
from tests.security.jwt.tokens import Make


def certificate(owner: Key) -> str:
    """A certificate that vouches for its own key, as `x5c` wants it."""
    private = owner.private
    assert isinstance(private, rsa.RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "id.example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 1, now, now + timedelta(days=1))
    der = builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)
    return base64.b64encode(der).decode()


def brought_along(signer: Callable[[], Key], members: Mapping[str, Callable[[], object]]) -> Make:
    """A token whose header holds, or says where there is, a key."""

    def make() -> str:
        more = {name: value() for name, value in members.items()}
        return sign(honest_claims(), signer(), honest_header(signer()) | more)

    return make


# What a header may bring along; made when it is wanted, for keys take time.
BRINGABLE: Final[dict[str, dict[str, Callable[[], object]]]] = {
    "jku": {"jku": lambda: "https://attacker.example.com/jwks.json"},
    "jku of the issuer": {"jku": lambda: f"{ISSUER}/jwks.json"},
    "jku of a file": {"jku": lambda: "file:///dev/null"},
    "jku null": {"jku": lambda: None},
    "x5u": {"x5u": lambda: "https://attacker.example.com/chain.pem"},
    "jwk": {"jwk": lambda: attacker().public_jwk},
    "jwk of the issuer": {"jwk": lambda: key().public_jwk},
    "jwk empty": {"jwk": dict},
    "x5c": {"x5c": lambda: [certificate(attacker())]},
    "x5c of the issuer": {"x5c": lambda: [certificate(key())]},
    "x5c empty": {"x5c": list},
    "all of them": {
        "jku": lambda: "https://attacker.example.com/jwks.json",
        "x5u": lambda: "https://attacker.example.com/chain.pem",
        "jwk": lambda: attacker().public_jwk,
        "x5c": lambda: [certificate(attacker())],
    },
}
BROUGHT: Final[dict[str, Make]] = {
    f"{what}, signed by {who}": brought_along(signer, members)
    for who, signer in (("the attacker", attacker), ("the issuer", key))
    for what, members in BRINGABLE.items()
}


@pytest.mark.parametrize("make", each(BROUGHT))
def test_a_token_does_not_bring_its_own_key(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())
