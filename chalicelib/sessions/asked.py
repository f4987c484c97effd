"""What does the caller ask for? A vend, whatever it came in as."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from chalicelib.aws.policy_document import Statement


class CallerPolicy(NamedTuple):
    """A policy document that the caller sent, of valid grammar.

    Attributes:
        document: as it was sent.
    """

    document: Mapping[str, object]
    statements: tuple[Statement, ...]


class VendRequest(NamedTuple):
    """What a caller asks for.

    Attributes:
        role: catalog name, or the ARN of a role in the catalog.
        duration: seconds, 1 to 43,200, or None for the role's default.
        reason: free text of at most 256 characters, or None.
        tags: session tags that the caller wants to set.
        params: values for the role's templates.
        policy: a policy that narrows the session, or None.
        dry_run: decide and explain, vend nothing.
    """

    role: str
    duration: int | None = None
    reason: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    params: Mapping[str, str] = MappingProxyType({})
    policy: CallerPolicy | None = None
    dry_run: bool = False
