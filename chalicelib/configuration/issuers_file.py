"""Whose tokens are believed? The trusted issuers, `config/issuers.yaml`, checked whole before the first request."""

import re
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from chalicelib.callers.oidc.issuer import ClaimPath, Issuer, Scalar, check_url, normal_type
from chalicelib.configuration.entry_problems import duplicates, field_message, label
from chalicelib.configuration.json_schema import json_schema
from chalicelib.errors import ConfigError

# Signatures with a public key only: with HMAC, whoever verifies could sign (RFC 8725, 3.1 and 3.2).
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_DURATION = re.compile(r"([0-9]{1,7})([smhd]?)", re.ASCII)
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_MAXIMUM_LEEWAY_SECONDS = 300

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
    jwks_uri: Annotated[Url | None, Meta(description="Where its keys are, in the place of discovery.")] = None
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
    max_age: Annotated[Duration, Meta(description="The longest time since `iat`.")] = "24h"
    leeway: Annotated[Duration, Meta(description="For clocks that differ: at most 5m.")] = "30s"


class IssuersFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of issuers.yaml."""

    issuers: list[IssuerEntry]


def load_issuers(path: Path, allow_loopback_http: bool) -> tuple[Issuer, ...]:
    """Read and check issuers.yaml. Without the file nobody's tokens are believed.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Raises:
        ConfigError: one line for every problem, naming file, issuer and field.
    """
    return check_issuers(path, read_issuers(path), allow_loopback_http)


def read_issuers(path: Path) -> list[object]:
    """The entries of issuers.yaml as they are written, none without the file.

    Raises:
        ConfigError: not YAML, or of another shape.
    """
    if not path.exists():
        return []
    from chalicelib.configuration.yaml_file import read_entries  # the deployed function never reads YAML

    return read_entries(path, "issuers")


def check_issuers(path: Path, entries: list[object], allow_loopback_http: bool) -> tuple[Issuer, ...]:
    """The issuers of some entries.

    Args:
        path: where the entries stand; what else they name lies beside it.

    Raises:
        ConfigError: one line for every problem, naming file, issuer and field.
    """
    issuers: list[Issuer] = []
    problems: list[str] = []
    for index, entry in enumerate(entries):
        try:
            issuers.append(_issuer(msgspec.convert(entry, IssuerEntry, strict=True), allow_loopback_http))
        except (msgspec.ValidationError, ValueError) as error:
            what = field_message(str(error), IssuerEntry, _PATTERNS_IN_WORDS)
            problems.append(f"{path.name}: issuer {label(entry, index)}: {what}")
    problems += duplicates(path, "issuer", entries, ("name", "issuer"))
    problems += [
        f"{path.name}: issuer {issuer.name!r}: `jwks_file` {issuer.jwks_file} is not there"
        for issuer in issuers
        if issuer.jwks_file and not (path.parent / issuer.jwks_file).is_file()
    ]
    if problems:
        raise ConfigError(problems)
    return tuple(issuers)


def issuers_json_schema() -> dict[str, object]:
    """JSON Schema of issuers.yaml, so that editors complete and check it."""
    return json_schema(IssuersFile, "credvend issuers")


def _issuer(entry: IssuerEntry, allow_loopback_http: bool) -> Issuer:
    for field, url in (("issuer", entry.issuer), ("jwks_uri", entry.jwks_uri)):
        try:
            if url is not None:
                check_url(url, allow_loopback_http)
        except ValueError as error:
            raise ValueError(f"`{field}` {error}") from None
    if "?" in entry.issuer:
        raise ValueError("`issuer` must have no query")  # OpenID Connect Discovery 1.0, 4
    if entry.jwks_uri and entry.jwks_file:
        raise ValueError("`jwks_uri` and `jwks_file` exclude each other")
    unknown = sorted(set(entry.algorithms) - set(ALGORITHMS))
    if unknown:
        raise ValueError(f"`algorithms` must be of {', '.join(ALGORITHMS)}; {unknown[0]!r} is not")
    leeway = _seconds("leeway", entry.leeway)
    if leeway > _MAXIMUM_LEEWAY_SECONDS:
        raise ValueError("`leeway` must be at most 5m")
    return Issuer(
        name=entry.name,
        url=entry.issuer,
        audiences=frozenset(entry.audiences),
        algorithms=frozenset(entry.algorithms),
        jwks_uri=entry.jwks_uri,
        jwks_file=entry.jwks_file,
        audience_claim=entry.audience_claim,
        subject_claim=_path(entry.subject_claim),
        groups_claim=None if entry.groups_claim is None else _path(entry.groups_claim),
        claims=tuple((tag, _path(path)) for tag, path in entry.claims.items()),
        required_claims=tuple((name, _allowed(values)) for name, values in entry.required_claims.items()),
        types=frozenset({None, "jwt"} if entry.types is None else map(normal_type, entry.types)),
        max_age=_seconds("max_age", entry.max_age),
        leeway=leeway,
    )


def _path(path: str | list[str]) -> ClaimPath:
    return (path,) if isinstance(path, str) else tuple(path)


def _allowed(values: Scalar | list[Scalar]) -> tuple[Scalar, ...]:
    if values == "*":
        return ()
    allowed = tuple(values) if isinstance(values, list) else (values,)
    if not allowed:
        raise ValueError("`required_claims` has a claim without a value that it may have")
    return allowed


def _seconds(field: str, value: int | str) -> int:
    match = _DURATION.fullmatch(str(value))
    if match is None:
        raise ValueError(f'`{field}` must be seconds, or a number with a unit such as "30s", "15m" or "24h"')
    return int(match[1]) * _UNIT_SECONDS[match[2]]


_PATTERNS_IN_WORDS = {
    "name": "must be at most 64 letters, digits, `_`, `.` or `-`, the first a letter or digit",
    "issuer": "must be a URL",
    "jwks_uri": "must be a URL",
    "jwks_file": "must be a file below the configuration, such as keys/NAME.json",
}
