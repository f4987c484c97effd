"""How large IAM's policies may be, in characters, white space not counted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final, cast

from local.strict.refusal import Refusal

# All inline policies of an entity together.
INLINE_CHARACTERS: Final[Mapping[str, int]] = {"role": 10_240, "user": 2_048, "group": 5_120}
MANAGED_CHARACTERS: Final = 6_144
TRUST_CHARACTERS: Final = 2_048
ATTACHED_POLICIES: Final = 10


def characters(document: object) -> int:
    """The size of a policy document, given as JSON text or parsed, as IAM counts it."""
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return len("".join(text.split()))


def check_inline(kind: str, name: str, documents: Mapping[str, object]) -> Refusal | None:
    """What IAM says of the inline policies of a role, user or group, or None."""
    most = INLINE_CHARACTERS[kind]
    if sum(map(characters, documents.values())) <= most:
        return None
    return Refusal("LimitExceeded", f"Maximum policy size of {most} bytes exceeded for {kind} {name}", 409)


def check_managed(document: object) -> Refusal | None:
    """What IAM says of a managed policy, or None."""
    if characters(document) <= MANAGED_CHARACTERS:
        return None
    return Refusal("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_CHARACTERS}", 409)


def check_trust(document: object) -> Refusal | None:
    """What IAM says of the size of a trust policy, or None."""
    if characters(document) <= TRUST_CHARACTERS:
        return None
    return Refusal("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS}", 409)


def check_attached(count: int) -> Refusal | None:
    """What IAM says of so many managed policies attached to one role, or None."""
    if count <= ATTACHED_POLICIES:
        return None
    return Refusal("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_POLICIES}", 409)


def named_principals(document: object) -> Iterator[str]:
    """ARNs of the users and roles that a trust policy names.

    IAM keeps these by their unique ids, and refuses those that are not there:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = cast(Mapping[str, object], parsed).get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else cast(list[Mapping[str, object]], statements):
        principal = statement.get("Principal")
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        for arn in [named] if isinstance(named, str) else named:
            if ":role/" in arn or ":user/" in arn:
                yield arn
