"""Ways to make a token that has a valid signature, and one thing that is odd."""

from collections.abc import Callable
from datetime import UTC, datetime

from testing.app import Json
from testing.tokens import document, ec_key, ed_key, honest_claims, honest_header, sign
from tests.security.jwt.issuers import curve_key, key

Make = Callable[[], str]


def every_claims(**changes: object) -> Json:
    """Honest claims of the issuer that signs with every algorithm."""
    return honest_claims(iss="https://every.example.com", **changes)


def signed_with(algorithm: str) -> str:
    """An honest token of the issuer that signs with every algorithm."""
    keys = {
        "ES256": curve_key(),
        "ES384": ec_key("ec-384", curve="P-384"),
        "ES512": ec_key("ec-521", curve="P-521"),
        "EdDSA": ed_key("ed-1"),
    }
    signer = keys.get(algorithm, key())
    return sign(every_claims(), signer, honest_header(signer, alg=algorithm), algorithm)


def strict_claims(**changes: object) -> Json:
    """Honest claims of the issuer that must say more than others."""
    wanted = {"iss": "https://strict.example.com", "repository_owner": "acme", "token_use": "access", "jti": "7"}
    return honest_claims(**wanted | changes)


def plain(**changes: object) -> Make:
    """A token of main, with changed claims and a valid signature."""
    return lambda: sign(honest_claims(**changes), key())


def soon(seconds: float) -> float:
    """A moment some seconds from now, or before now, in seconds since 1970."""
    return datetime.now(UTC).timestamp() + seconds


def with_header(claims: Callable[[], Json] = honest_claims, **changes: object) -> Make:
    """A token of main with a changed header and a valid signature."""
    return lambda: sign(claims(), key(), honest_header(key(), **changes))


def with_payload(change: Callable[[bytes], bytes]) -> Make:
    """A token of main with changed bytes of its payload, and a valid signature."""
    return lambda: sign(change(document(honest_claims())), key())


def with_head(change: Callable[[bytes], bytes]) -> Make:
    """A token of main with changed bytes of its header, and a valid signature."""
    return lambda: sign(honest_claims(), key(), change(document(honest_header(key()))))
