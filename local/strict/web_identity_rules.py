"""What STS reads out of a web identity token, and what it refuses of it, besides its signature and its times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from local.strict.jwt_rules import Json
from local.strict.refusal import Refusal
from local.strict.sts_rules import check_assume_role, check_transitive_tags

# The nested form. The other one, a claim for each tag, is not read here:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
_TAGS: Final = "https://aws.amazon.com/tags"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
_SOURCE_IDENTITY: Final = "https://aws.amazon.com/source_identity"
# Of `SubjectFromWebIdentityToken`, with which STS answers:
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
_SUBJECT_CHARACTERS: Final = 255
# Members that both operations have.
_SHARED: Final = ("DurationSeconds", "Policy", "PolicyArns", "RoleArn", "RoleSessionName")


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider that an account has registered.

    Attributes:
        url: with its scheme.
        client_ids: audiences that it may name.
    """

    arn: str
    url: str
    client_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token says about the session that is made with it.

    Attributes:
        audience: that the trust policy's `aud` is compared with.
        tags: as AssumeRole takes them, with `Key` and `Value`.
        transitive: keys of those that go on.
    """

    issuer: str
    subject: str
    audience: str
    tags: Sequence[Mapping[str, str]]
    transitive: Sequence[str]
    source_identity: str | None

    def members(self, asked: Mapping[str, object]) -> dict[str, object]:
        """An AssumeRole that would ask for the same session: its limits hold for this one.

        Args:
            asked: members of the request.
        """
        said: dict[str, object] = {"Tags": self.tags, "TransitiveTagKeys": self.transitive}
        if self.source_identity is not None:
            said["SourceIdentity"] = self.source_identity
        return {name: asked[name] for name in _SHARED if name in asked} | {k: v for k, v in said.items() if v}

    def context(self) -> dict[str, str]:
        """Keys of the conditions that only web identities have: the provider's URL without its scheme, and a claim.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
        """
        host = host_of(self.issuer).lower()
        return {f"{host}:aud": self.audience, f"{host}:sub": self.subject}


def host_of(url: str) -> str:
    """What ARNs and conditions have of a provider's URL."""
    return url.removeprefix("https://").rstrip("/")


def provider_arn(role_arn: str, url: str) -> str:
    """The ARN of the provider with this URL, in the role's account."""
    _, partition, _, _, account, *_ = role_arn.split(":")
    return f"arn:{partition}:iam::{account}:oidc-provider/{host_of(url)}"


def check_provider(claims: Json, provider: Provider | None) -> Refusal | None:
    """What STS says of a token of an issuer or for an audience that the account has not registered, or None."""
    if provider is None or provider.url != claims["iss"]:
        # AWS's words, as people report them: https://github.com/mozilla-iam/mozilla-aws-cli/issues/127
        message = f"No OpenIDConnect provider found in your account for {claims['iss']}"
        return Refusal("InvalidIdentityToken", message)
    if audience_of(claims) not in provider.client_ids:
        # https://github.com/aws-actions/configure-aws-credentials/issues/775
        return Refusal("InvalidIdentityToken", "Incorrect token audience")
    return None


def audience_of(claims: Json) -> str | None:
    """The audience that counts: whom the token was issued to, if it says so; None: it is for several.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif (aud)
    """
    named = claims.get("azp", claims["aud"])
    every = named if isinstance(named, list) else [named]
    return every[0] if len(every) == 1 and isinstance(every[0], str) else None


def read_claims(claims: Json) -> Claimed | Refusal:
    """What the token says about the session, or what STS says of it."""
    subject = str(claims["sub"])
    if len(subject) > _SUBJECT_CHARACTERS:
        return _refusal(f"sub has more than {_SUBJECT_CHARACTERS} characters")
    said = claims.get(_TAGS, {})
    principal_tags = said.get("principal_tags", {}) if isinstance(said, dict) else None
    transitive = said.get("transitive_tag_keys", []) if isinstance(said, dict) else None
    if not isinstance(principal_tags, dict) or not isinstance(transitive, list):
        return _refusal(f"{_TAGS} holds no tags")
    tags: list[Mapping[str, str]] = []
    for key, values in principal_tags.items():
        if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
            return _refusal(f"{_TAGS} does not hold one value for each tag, in a list")
        tags.append({"Key": key, "Value": values[0]})
    if not all(isinstance(key, str) for key in transitive):
        return _refusal(f"{_TAGS} does not hold keys of tags")
    identity = claims.get(_SOURCE_IDENTITY)
    if identity is not None and not isinstance(identity, str):
        return _refusal(f"{_SOURCE_IDENTITY} is no text")
    return Claimed(str(claims["iss"]), subject, str(audience_of(claims)), tags, cast(list[str], transitive), identity)


def check_session(asked: Mapping[str, object], claimed: Claimed, maximum: int | None) -> Refusal | None:
    """What STS refuses of the session that is asked for, as of one that AssumeRole is asked for; or None.

    Args:
        asked: members of the request.
        maximum: MaxSessionDuration of the role, seconds; None: not known here.
    """
    members = claimed.members(asked)
    # Not chained: no session of AWS's stands before it, so the one hour of role chaining does not count.
    return check_assume_role(members, False, maximum) or check_transitive_tags(members, ())


def _refusal(problem: str) -> Refusal:
    # Our words.
    return Refusal("InvalidIdentityToken", f"Invalid claim: {problem}")
