"""A trusted issuer, and the URLs that its keys may come from."""

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

# The largest `leeway`: so long at most is a token taken after its end.
MAXIMUM_LEEWAY_SECONDS: Final = 300
# The names that lead to a claim: one, or several where claims are nested.
ClaimPath = tuple[str, ...]
Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class Issuer:
    """A trusted issuer, checked. Durations are seconds.

    Attributes:
        jwks_uri, jwks_file: where its keys are; neither: where its discovery document says.
        subject_claim, groups_claim: paths into the claims.
        claims: names of tags, and the paths of their values.
        required_claims: names of claims and their allowed values; no values: any will do.
        types: allowed values of the header `typ` in lower case; None: it may be missing.
        single_use: whether a token vends once only.
    """

    name: str
    url: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    jwks_uri: str | None
    jwks_file: str | None
    audience_claim: str
    subject_claim: ClaimPath
    groups_claim: ClaimPath | None
    claims: tuple[tuple[str, ClaimPath], ...]
    required_claims: tuple[tuple[str, tuple[Scalar, ...]], ...]
    types: frozenset[str | None]
    max_age: int
    leeway: int
    single_use: bool = False


def normal_type(value: str) -> str:
    """A media type as `typ` may write it: in any case, and `application/` may be left out (RFC 7515, 4.1.9)."""
    return value.lower().removeprefix("application/")


def check_url(url: str, allow_loopback_http: bool) -> None:
    """Whether keys may be fetched from there.

    Raises:
        ValueError: not https (http on this very machine, where that is allowed), with userinfo or a fragment, or with a
            port that cannot be.
    """
    parts = urlsplit(url)
    parts.port  # noqa: B018 which raises
    if parts.username is not None or parts.password is not None or "#" in url or not parts.hostname:
        raise ValueError("must be a plain URL, without user or fragment")
    if parts.scheme == "https" or (allow_loopback_http and parts.scheme == "http" and _is_loopback(parts.hostname)):
        return
    raise ValueError("must be an https URL")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
