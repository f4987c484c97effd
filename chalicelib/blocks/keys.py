"""What may be blocked, and how it is called in the table of blocks."""

import hashlib
from collections.abc import Iterable
from typing import Final

from chalicelib.callers.caller import Caller

# Everything: nothing is vended to anybody.
ALL: Final = "all"


def keys_of_vend(caller: Caller, role: str) -> tuple[str, ...]:
    """All by which a vend may be blocked: each once.

    Args:
        role: its catalog name.
    """
    keys = [ALL, caller_key(caller.identifier), principal_key(caller.principal), role_key(role)]
    return tuple(dict.fromkeys([*keys, *(issuer_key(issuer) for issuer in _issuers(caller))]))


def caller_key(identifier: str) -> str:
    """Of one caller, as audit records call it."""
    return f"caller:{identifier}"


def principal_key(principal: str) -> str:
    """Of whoever stands behind callers, such as an IAM role behind its sessions."""
    return f"principal:{principal}"


def role_key(name: str) -> str:
    """Of a role, by its catalog name."""
    return f"role:{name}"


def issuer_key(name: str) -> str:
    """Of all whose tokens an issuer made, by its name in issuers.yaml."""
    return f"issuer:{name}"


def attribute(key: str) -> str:
    """The attribute of a gate that stands for a key, however long that is."""
    return "b" + hashlib.sha256(key.encode()).hexdigest()[:32]


def _issuers(caller: Caller) -> Iterable[str]:
    return (name for kind, name in caller.entity.parents if kind == "OidcIssuer")
