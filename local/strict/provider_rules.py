"""What IAM refuses of an OpenID Connect provider, beside what its model says.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. The words are ours.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from local.strict.refusal import Refusal

CLIENT_IDS: Final = 100
PROVIDERS: Final = 100
THUMBPRINTS: Final = 5


def check_new_provider(
    url: str, client_ids: Sequence[str], thumbprints: Sequence[str], providers: int
) -> Refusal | None:
    """What IAM says of a provider that is to be made, or None.

    Args:
        providers: that the account has.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        return Refusal("InvalidInput", "The URL must begin with https:// and have no query")
    if ":" in parts.netloc:
        return Refusal("InvalidInput", "The URL must have no port")
    if len(thumbprints) > THUMBPRINTS:
        return Refusal("InvalidInput", f"Thumbprint list must contain fewer than {THUMBPRINTS} entries.")
    if providers >= PROVIDERS:
        return Refusal("LimitExceeded", f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {PROVIDERS}", 409)
    return check_client_ids(client_ids)


def check_client_ids(client_ids: Sequence[str]) -> Refusal | None:
    """What IAM says of the audiences of a provider, or None."""
    if len(client_ids) <= CLIENT_IDS:
        return None
    return Refusal("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENT_IDS}", 409)
