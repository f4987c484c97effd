"""What may be said of a trusted issuer? The types of issuers.yaml."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from chalicelib.callers.oidc.issuer import Scalar

# Signatures with a public key only: with HMAC, whoever verifies could sign (RFC 8725, 3.1 and 3.2).
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

IssuerName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", description='Its name in policies: OidcIssuer::"..."')
]
Url = Annotated[str, Meta(pattern=r"^https?://[!-~]+\Z", max_length=512)]
Text = Annotated[str, Meta(min_length=1, max_length=512)]
WrittenPath = Text | Annotated[list[Text], Meta(min_length=1, max_length=8)]
Duration = int | str


class IssuerEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One issuer, as an adopter writes it. The JSON Schema of issuers.yaml is made from this type."""

    name: IssuerName
    issuer: Annotated[Url, Meta(description="Exactly the `iss` of its tokens.")]
    audiences: Annotated[list[Text], Meta(min_length=1, description="A token must be for one of these.")]
    algorithms: Annotated[tuple[str, ...], Meta(min_length=1, description="Of its signatures.")] = ("RS256", "ES256")
    jwks_uri: Annotated[Url | None, Meta(description="Where its keys are, instead of discovery.")] = None
    jwks_file: Annotated[
        Annotated[str, Meta(pattern=r"^keys/[A-Za-z0-9_-][A-Za-z0-9_.-]*\.json\Z")] | None,
        Meta(description="Its keys as a file of the configuration, for issuers that cannot be reached."),
    ] = None
    audience_claim: Annotated[Text, Meta(description="`client_id` for Cognito's access tokens.")] = "aud"
    subject_claim: Annotated[WrittenPath, Meta(description="Which claim tells who it is.")] = "sub"
    groups_claim: Annotated[WrittenPath | None, Meta(description="Which claim holds the groups.")] = None
    claims: Annotated[dict[Text, WrittenPath], Meta(description="Tags for policies, from claims.")] = {}
    required_claims: Annotated[
        dict[Text, Scalar | list[Scalar]], Meta(description='Values that claims must have; "*": any.')
    ] = {}
    types: Annotated[
        Annotated[list[Text], Meta(min_length=1)] | None,
        Meta(description="The `typ` of its tokens. Default: JWT, or none."),
    ] = None
    max_age: Annotated[Duration, Meta(description="The longest time since `iat`: at most 30d.")] = "24h"
    leeway: Annotated[Duration, Meta(description="For clocks that differ: at most 5m.")] = "30s"
    single_use: Annotated[bool, Meta(description="A token vends once only; it must have a `jti`.")] = False


class IssuersFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of issuers.yaml."""

    issuers: list[IssuerEntry]


# The patterns above, in words.
PATTERNS_IN_WORDS: Final = {
    "name": "must be at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit",
    "issuer": "must be an https URL",
    "jwks_uri": "must be an https URL",
    "jwks_file": "must be a file below the configuration, such as keys/NAME.json",
}
