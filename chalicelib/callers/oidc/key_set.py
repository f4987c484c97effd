"""Which key was a token signed with? The keys of a JWKS (RFC 7517), and which of them fits an algorithm."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

Jwk = Mapping[str, object]

# A key with one of these is a secret that got out: whoever published it may not be the only one who has it.
_PRIVATE: Final = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})
_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES: Final = {"ES256": ("P-256",), "ES384": ("P-384",), "ES512": ("P-521",), "EdDSA": ("Ed25519", "Ed448")}


def keys_of(document: dict[str, object]) -> list[Jwk]:
    """The keys of a JWKS document.

    Raises:
        ValueError: it is none.
    """
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ValueError("a JWKS must hold a list keys")
    return [key for key in keys if isinstance(key, dict)]


def choose(keys: Sequence[Jwk], key_id: str | None, algorithm: str) -> Jwk | None:
    """The key of that id that fits the algorithm; for a token that names none, the only key that fits."""
    fitting = [key for key in keys if _fits(key, algorithm) and (key_id is None or key.get("kid") == key_id)]
    return fitting[0] if fitting and (key_id is not None or len(fitting) == 1) else None


def has_use_for(keys: Sequence[Jwk], algorithms: Iterable[str]) -> bool:
    """Whether any of the keys fits one of the algorithms."""
    return any(_fits(key, algorithm) for algorithm in algorithms for key in keys)


def _fits(key: Jwk, algorithm: str) -> bool:
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") == _KEY_TYPES[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
        and _PRIVATE.isdisjoint(key)
        and (algorithm not in _CURVES or key.get("crv") in _CURVES[algorithm])
    )
