"""Callers and requests that somebody describes, made into those of the service by the code that makes real ones.

Of a token all but the signature is checked: audience, times, required claims; and its claims become subject, groups and
tags as issuers.yaml says. A request goes through the same reader as the body of a real one.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc.claims import SignedClaims, check_claims, subject_of
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.origin import source_address
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.sigv4 import identify_caller
from chalicelib.configuration.configuration import Configuration
from chalicelib.errors import CredvendError, InvalidToken, Unauthenticated
from chalicelib.sessions.asked import VendRequest
from chalicelib.text.likeness import did_you_mean, nearest
from chalicelib.text.strict_json import NotStrictJson, json_object
from chalicelib.wire.formats.negotiation import choose_format
from chalicelib.wire.vend_request import parse_vend_query, parse_vend_request
from ops.api_tokens.new_token import check_tags, check_words
from ops.deciding.deciding import Asking, Outcome, decide, refused
from ops.errors import OperationFailed

ADDRESS: Final = "192.0.2.1"
"""Whence a request comes that does not say it: an address for documentation (RFC 5737)."""
OWNER: Final = "nobody"
"""Who answers for an API token of which that is not said."""
CONTAINER: Final = "container"
"""The format of AWS's SDKs, which ask with a GET."""

_TOKEN_LIVES: Final = timedelta(minutes=10)
_KINDS: Final = ("arn", "issuer", "token")
# What belongs to which kind.
_BELONGS: Final = {"principal_id": "arn", "claims": "issuer", "owner": "token", "tags": "token"}


# Whatever JSON knows.
Anything = Annotated[
    object, Meta(extra_json_schema={"type": ["string", "number", "boolean", "null", "array", "object"]})
]


class NotDescribed(ValueError):
    """The description cannot be understood, or tells of what there cannot be. The message begins with the field."""


class CallerEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A caller, as somebody describes it: by an ARN, by an issuer's token, or by the name of an API token."""

    arn: Annotated[
        str | None,
        Meta(
            description="Of an IAM user (arn:aws:iam::ACCOUNT:user/NAME), of a session of a role "
            "(arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION), or of a federated user "
            "(arn:aws:sts::ACCOUNT:federated-user/NAME)."
        ),
    ] = None
    principal_id: Annotated[
        str | None, Meta(description="Its unique id (aws:userid), where a policy looks at that.")
    ] = None
    issuer: Annotated[str | None, Meta(description="Name of a trusted issuer: the caller brings a token of it.")] = None
    claims: Annotated[
        dict[str, Anything],
        Meta(description="What the token says. iss, the audience, iat and exp are filled in where they are left out."),
    ] = {}
    token: Annotated[str | None, Meta(description="Name of an API token.")] = None
    owner: Annotated[str | None, Meta(description="Who answers for the API token.")] = None
    tags: Annotated[dict[str, str], Meta(description="Of the API token.")] = {}


class Described(NamedTuple):
    """Who asks for what, as somebody describes it. What is None is left out of the request.

    Attributes:
        role: name in the catalog, or ARN.
        duration: as a request has it: seconds, or `15m`.
        policy: a policy document that narrows the session.
        format: as the API calls it; or `container`.
        address: the caller's; None: `ADDRESS`.
    """

    caller: CallerEntry
    role: str
    time: datetime
    duration: int | str | None = None
    reason: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    params: Mapping[str, str] = MappingProxyType({})
    policy: object = None
    format: str | None = None
    address: str | None = None


def outcome_of(configuration: Configuration, described: Described) -> Outcome:
    """What the service would answer to a request that is described.

    Raises:
        NotDescribed: the description is wrong; so is, then, no request.
    """
    check_role(configuration, described.role)
    try:
        asking = asking_of(configuration, described)
    except CredvendError as refusal:
        return refused(refusal)
    return decide(configuration, asking)


def check_role(configuration: Configuration, role: str) -> None:
    """Whether there is such a role. The service would deny another one just like any: nothing would be tested.

    Raises:
        NotDescribed: there is none.
    """
    if configuration.catalog.find_role(role) is None:
        names = [known.name for known in configuration.catalog.roles]
        hint = did_you_mean(nearest(role, names))
        raise NotDescribed(f"`role` {role!r} is not in the catalog{hint}")


def asking_of(configuration: Configuration, described: Described) -> Asking:
    """The request that is described.

    Raises:
        CredvendError: the service would refuse the caller, or the request, before any policy is asked.
        NotDescribed: the description is wrong.
    """
    if described.format == CONTAINER and described.caller.arn is not None:
        raise NotDescribed("`format` container is that of AWS's SDKs, which bring a token: who signs has no such way")
    address = described_address(described.address)
    caller = caller_of(configuration, described.caller, described.time)
    request, form = _request(described)
    return Asking(caller, request, form, address, described.time)


def described_address(text: str | None) -> str:
    """An address, as the service would see it.

    Raises:
        NotDescribed: it is none.
    """
    address = source_address(ADDRESS if text is None else text)
    if address is None:
        raise NotDescribed(f"`address` must be one IPv4 or IPv6 address, and is {text!r}")
    return address


def caller_of(configuration: Configuration, entry: CallerEntry, time: datetime) -> Caller:
    """The caller that is described.

    Args:
        time: when it comes, for the times of its token.

    Raises:
        CredvendError: the service would turn it away.
        NotDescribed: the description is wrong.
    """
    kind = _kind(entry)
    if kind == "arn":
        return _signer(entry.arn or "", entry.principal_id)
    if kind == "token":
        return _service_token(entry)
    return _subject(find_issuer(configuration, entry.issuer or ""), entry.claims, time)


def _kind(entry: CallerEntry) -> str:
    """Which of the kinds it is, if it is one alone."""
    kinds = [kind for kind in _KINDS if getattr(entry, kind) is not None]
    if len(kinds) != 1:
        said = f"has {' and '.join(f'`{kind}`' for kind in kinds)}" if kinds else "has none of them"
        raise NotDescribed(f"must have one of {', '.join(f'`{kind}`' for kind in _KINDS)}, and {said}")
    for field, owner in _BELONGS.items():
        if owner != kinds[0] and getattr(entry, field):
            raise NotDescribed(f"has `{field}`, which belongs to `{owner}`, and not to `{kinds[0]}`")
    return kinds[0]


def _signer(arn: str, principal_id: str | None) -> Caller:
    """Whom API Gateway would name. The account root, which is never served, is a `CredvendError`."""
    try:
        caller = identify_caller(_identity(arn, principal_id))
    except Unauthenticated:
        raise NotDescribed(
            f"`arn` must be that of an IAM user (arn:aws:iam::ACCOUNT:user/NAME), of a session of a role "
            f"(arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION) or of a federated user, and is {arn!r}"
        ) from None
    problem = caller.problem_with_id(caller.entity.id, frozenset())
    if problem is not None:
        raise NotDescribed(f"`arn` {arn!r} {problem}")
    return caller


def _identity(arn: str, principal_id: str | None) -> Mapping[str, object]:
    """What API Gateway would say of a principal that has signed."""
    parts = arn.split(":", 5)
    resource = parts[5] if len(parts) == 6 else ""
    if resource.startswith("role/"):
        name = resource.rpartition("/")[2]
        raise NotDescribed(
            f"`arn` is that of a role; a caller is a session of it: "
            f"arn:{parts[1]}:sts::{parts[4]}:assumed-role/{name}/SESSION"
        )
    if len(parts) != 6 or parts[0] != "arn":
        raise NotDescribed(f"`arn` must be an ARN such as arn:aws:iam::111122223333:user/alice, and is {arn!r}")
    return {"userArn": arn, "accountId": parts[4], "caller": principal_id or _principal_id(parts[4], resource)}


def _principal_id(account: str, resource: str) -> str:
    """Such as AWS makes them: IAM User Guide, "aws:userid"."""
    kind, _, rest = resource.partition("/")
    if kind == "assumed-role":
        return f"AROAEXAMPLE:{rest.partition('/')[2]}"
    return f"{account}:{rest}" if kind == "federated-user" else "AIDAEXAMPLE"


def _service_token(entry: CallerEntry) -> ServiceToken:
    owner = OWNER if entry.owner is None else entry.owner
    tags = tuple(sorted(entry.tags.items()))
    try:
        check_words(entry.token or "", owner)
        check_tags(tags)
    except OperationFailed as error:
        raise NotDescribed(f"`token`: {error}") from None
    return ServiceToken(entry.token or "", owner, tags)


def find_issuer(configuration: Configuration, name: str) -> Issuer:
    """A trusted issuer, by its name.

    Raises:
        NotDescribed: there is none.
    """
    known = {trusted.issuer.name: trusted.issuer for trusted in configuration.trusted_issuers().values()}
    if name not in known:
        there_are = f"; there is {', '.join(known)}" if known else "; there are none"
        raise NotDescribed(
            f"`issuer` {name!r} is not in issuers.yaml{did_you_mean(nearest(name, list(known))) or there_are}"
        )
    return known[name]


def _subject(issuer: Issuer, said: Mapping[str, object], time: datetime) -> OidcSubject:
    """Whom a token is about whose signature is right."""
    now = int(time.timestamp())
    claims: dict[str, object] = {
        "iss": issuer.url,
        issuer.audience_claim: min(issuer.audiences),
        "iat": now,
        "exp": now + int(_TOKEN_LIVES.total_seconds()),
    }
    if issuer.single_use:
        claims["jti"] = "described"
    try:
        # As the payload of a real token is read.
        payload = json_object(json.dumps(claims | dict(said)).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError) as error:
        if isinstance(error, NotStrictJson):
            raise InvalidToken(f"The token's payload {error}.", "malformed") from None
        raise NotDescribed(f"`claims` holds what JSON does not know: {error}") from None
    return subject_of(check_claims(SignedClaims(payload), issuer, now), issuer)


def _request(described: Described) -> tuple[VendRequest, str]:
    """What is asked for, and in which format."""
    fields = {
        name: value
        for name in ("role", "duration", "reason", "tags", "params", "policy")
        if (value := getattr(described, name)) is not None
    }
    if described.format == CONTAINER:
        return _container_request(fields), CONTAINER
    form = choose_format(described.format, None).format
    return parse_vend_request(_json(fields), "application/json"), form.name


def _container_request(fields: dict[str, object]) -> VendRequest:
    """As AWS's SDKs ask: all is in the URL, where tags and policies have no place."""
    role, params = str(fields.pop("role")), fields.pop("params", {})
    assert isinstance(params, Mapping)  # noqa: S101 as `Described` has it
    query = {name: (str(value),) for name, value in fields.items() if value != {} or name == "policy"}
    return parse_vend_query(role, query | {f"params.{name}": (value,) for name, value in params.items()})


def _json(fields: Mapping[str, object]) -> bytes:
    try:
        return json.dumps({name: dict(v) if isinstance(v, Mapping) else v for name, v in fields.items()}).encode()
    except (TypeError, ValueError) as error:
        raise NotDescribed(f"`policy` holds what JSON does not know: {error}") from None
