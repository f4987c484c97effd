"""What is known of an API token: an item of the table of tokens. It holds a hash, never a token."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.callers.api_tokens.token import api_token_id
from chalicelib.callers.service_token import ServiceToken

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What is known of a token. Times are whole seconds since 1970, UTC.

    Attributes:
        hash: of the token; the table's key.
        name: shared by a token and those that it was rotated to: whose policies and sessions they have.
        owner: who answers for it, for people.
        tags: for policies.
        expires: from then on it is worth nothing.
        revoked_at: from when on it was not to be taken any more, or None.
        last_used: about when it was last taken, to within an hour (`LAST_USED_SECONDS` of store.py); None: never.
        cidrs: where it is taken from; none: from everywhere.
        created_by, rotated_by, revoked_by: ARNs of the operators who did it, for people; None also where it was done
            before these were kept.
        rotated_at: when another one was made to replace it, or None.
    """

    hash: str = field(repr=False)
    name: str
    owner: str
    tags: tuple[tuple[str, str], ...]
    created: int
    expires: int
    revoked_at: int | None
    last_used: int | None
    cidrs: tuple[Network, ...]
    created_by: str | None = None
    rotated_at: int | None = None
    rotated_by: str | None = None
    revoked_by: str | None = None

    @property
    def id(self) -> str:
        """The public name of this one token."""
        return api_token_id(self.hash)

    def is_live(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires

    def is_taken_from(self, source_ip: str) -> bool:
        """Whether it may be used from an address."""
        # An address of the other IP version is in none of the networks.
        return not self.cidrs or any(ipaddress.ip_address(source_ip) in network for network in self.cidrs)

    @property
    def holder(self) -> ServiceToken:
        """The caller who holds it."""
        return ServiceToken(self.name, self.owner, self.tags, self.id)


def stored_token(item: "Mapping[str, AttributeValueTypeDef]") -> StoredToken:
    """What an item of the table says.

    Raises:
        ValueError: it is not as `ops.api_tokens.new_token` writes them; says which.
    """
    try:
        return StoredToken(
            hash=item["hash"]["S"],
            name=item["name"]["S"],
            owner=item["owner"]["S"],
            tags=tuple((key, value["S"]) for key, value in sorted(item["tags"]["M"].items())),
            created=int(item["created"]["N"]),
            expires=int(item["expires"]["N"]),
            revoked_at=int(item["revoked_at"]["N"]) if "revoked_at" in item else None,
            # The function may write it, and nothing else; so it must not decide whether the rest is believed.
            last_used=int(item["last_used"]["N"]) if "N" in item.get("last_used", {}) else None,
            cidrs=tuple(ipaddress.ip_network(cidr["S"]) for cidr in item["cidrs"]["L"]),
            created_by=item.get("created_by", {}).get("S"),
            rotated_at=int(item["rotated_at"]["N"]) if "N" in item.get("rotated_at", {}) else None,
            rotated_by=item.get("rotated_by", {}).get("S"),
            revoked_by=item.get("revoked_by", {}).get("S"),
        )
    except (KeyError, ValueError) as error:
        shown = api_token_id(item.get("hash", {}).get("S", "?"))
        raise ValueError(f"the item of token {shown} cannot be read ({type(error).__name__}: {error})") from None
