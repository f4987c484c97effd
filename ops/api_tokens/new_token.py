"""A new API token: what may be said of it, and how it is stored."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chalicelib.callers.api_tokens.stored_token import Network, StoredToken
from chalicelib.callers.api_tokens.token import hash_api_token, new_api_token
from chalicelib.text.printable import is_visible, unprintable
from ops.errors import OperationFailed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

MAXIMUM_LIFETIME_SECONDS: Final = 365 * 86_400
# How long the list still shows what has expired, before DynamoDB deletes it.
KEPT_SECONDS: Final = 30 * 86_400
_MAXIMUM_OWNER_CHARACTERS: Final = 128
_MAXIMUM_TAGS: Final = 32
_MAXIMUM_CIDRS: Final = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{12}", re.ASCII)
_TAG_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,63}", re.ASCII)
_MAXIMUM_TAG_CHARACTERS: Final = 256


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and what is stored of it. The token stays out of `repr`, and so out of logs and tracebacks."""

    token: str = field(repr=False)
    stored: StoredToken


def check_words(name: str, owner: str) -> None:
    """Whether a token may be called so.

    Raises:
        OperationFailed: it may not; says what it must be.
    """
    if _NAME.fullmatch(name) is None:
        raise OperationFailed(
            f"{name!r} is no name for a token: take at most 64 letters, digits, `_`, `.` or `-`, the first a letter or "
            "digit."
        )
    if _ID.fullmatch(name):
        raise OperationFailed(f"{name!r} is no name for a token: it looks like the id of one. Choose another.")
    if mark := unprintable(owner):
        raise OperationFailed(f"The owner holds {mark}: remove that.")
    if not (0 < len(owner) <= _MAXIMUM_OWNER_CHARACTERS and is_visible(owner) and owner == owner.strip()):
        raise OperationFailed(f"The owner must be printable text of at most {_MAXIMUM_OWNER_CHARACTERS} characters.")


def check_tags(tags: Sequence[tuple[str, str]]) -> None:
    """Whether a token may have these tags.

    Raises:
        OperationFailed: it may not; says what they must be.
    """
    keys = [key for key, _ in tags]
    for key, value in tags:
        if _TAG_KEY.fullmatch(key) is None:
            raise OperationFailed(
                f"{key!r} is no key of a tag: take at most 64 letters, digits, `_`, `.`, `:`, `/` or `-`, the first a "
                "letter or `_`."
            )
        if mark := unprintable(value):
            raise OperationFailed(f"The value of tag {key} holds {mark}: remove that.")
        if not (0 < len(value) <= _MAXIMUM_TAG_CHARACTERS and value.isprintable()):
            raise OperationFailed(
                f"The value of tag {key} must be printable text of at most {_MAXIMUM_TAG_CHARACTERS} characters."
            )
        if keys.count(key) > 1:
            raise OperationFailed(f"Tag {key} is there twice.")
    if len(tags) > _MAXIMUM_TAGS:
        raise OperationFailed(f"A token has at most {_MAXIMUM_TAGS} tags.")


def check_cidrs(cidrs: Sequence[Network]) -> None:
    """Whether a token may be taken from these networks alone.

    Raises:
        OperationFailed: it may not; says what they must be.
    """
    for cidr in cidrs:
        # credvend sees such addresses as IPv4: the network would let nobody in.
        if isinstance(cidr, ipaddress.IPv6Network) and cidr.network_address.ipv4_mapped is not None:
            raise OperationFailed(f"{cidr} is IPv4 within IPv6. Write it as IPv4.")
    if len(cidrs) > _MAXIMUM_CIDRS:
        raise OperationFailed(f"A token has at most {_MAXIMUM_CIDRS} networks.")


def issue(
    name: str,
    owner: str,
    now: int,
    lifetime: int,
    tags: tuple[tuple[str, str], ...],
    cidrs: tuple[Network, ...],
    created_by: str,
) -> IssuedToken:
    """A token that was never issued before.

    Args:
        now: seconds since 1970, UTC.
        lifetime: seconds.
        created_by: ARN of the operator.

    Raises:
        OperationFailed: it would live too long.
    """
    if not 0 < lifetime <= MAXIMUM_LIFETIME_SECONDS:
        raise OperationFailed("A token must expire, after 365d at the most.")
    token = new_api_token()
    stored = StoredToken(
        hash=hash_api_token(token),
        name=name,
        owner=owner,
        tags=tags,
        created=now,
        expires=now + lifetime,
        revoked_at=None,
        last_used=None,
        cidrs=cidrs,
        created_by=created_by,
    )
    return IssuedToken(token, stored)


def item(stored: StoredToken) -> "dict[str, AttributeValueTypeDef]":
    """A new token as the table holds it; what `chalicelib.callers.api_tokens.stored_token` reads."""
    who: dict[str, AttributeValueTypeDef] = (
        {} if stored.created_by is None else {"created_by": {"S": stored.created_by}}
    )
    return who | {
        "hash": {"S": stored.hash},
        "name": {"S": stored.name},
        "owner": {"S": stored.owner},
        "tags": {"M": {key: {"S": value} for key, value in stored.tags}},
        "cidrs": {"L": [{"S": str(cidr)} for cidr in stored.cidrs]},
        "created": {"N": str(stored.created)},
        "expires": {"N": str(stored.expires)},
        "ttl": {"N": str(stored.expires + KEPT_SECONDS)},
    }
