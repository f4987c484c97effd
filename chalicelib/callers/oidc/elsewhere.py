"""Does a token say that a claim stands somewhere else? Then it is not known, which is another thing than to be empty.

OpenID Connect Core 1.0, 5.6.2 (https://openid.net/specs/openid-connect-core-1_0.html#AggregatedDistributedClaims), and
how Microsoft Entra ID tells that there are too many groups for the token, in the rows `groups`, `hasgroups` and
`groups:src1` of https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from collections.abc import Mapping
from typing import Final

_GROUPS: Final = "groups"
_NAMES: Final = "_claim_names"
_SOURCES: Final = "_claim_sources"
# Instead of `groups`: that there are some, and (as a SAML claim, which some brokers pass on) where.
_GROUPS_ELSEWHERE: Final = ("hasgroups", "http://schemas.microsoft.com/claims/groups.link")


def is_elsewhere(claims: Mapping[str, object], name: str) -> bool:
    """Whether the token, or a nested object of it, says that its claim of that name is somewhere else.

    What it holds under that name is then only a part, or not the value. Where it cannot be told which claims are
    somewhere else, all are that are missing.
    """
    names, sources = claims.get(_NAMES), claims.get(_SOURCES)
    if names is not None and (not isinstance(names, dict) or name in names):
        return True
    source = f"{name}:src"
    for key in claims:  # it is asked of each claim that is mapped: any() would take three times as long
        if key.startswith(source):  # `groups:src1`
            return True
    if sources is not None:
        value = claims.get(name)
        if not isinstance(sources, dict) or (isinstance(value, str) and value in sources):  # `"groups": "src1"`
            return True
        if sources and names is None and value is None:
            return True
    return name == _GROUPS and _has_other_groups(claims)


def are_groups_elsewhere(claims: Mapping[str, object]) -> bool:
    """Whether it says so of the groups, in whichever claim an issuer was told to put them."""
    return is_elsewhere(claims, _GROUPS)


def _has_other_groups(claims: Mapping[str, object]) -> bool:
    # Documented as always true; who writes false says that there are none.
    return any(claims.get(name) not in (None, False) for name in _GROUPS_ELSEWHERE)
