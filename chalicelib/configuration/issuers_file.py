"""Whose tokens are believed? The trusted issuers, `config/issuers.yaml`, checked whole before the first request."""

import re
from pathlib import Path

import msgspec

from chalicelib.callers.oidc.issuer import (
    MAXIMUM_LEEWAY_SECONDS,
    ClaimPath,
    Issuer,
    Scalar,
    check_url,
    normal_type,
)
from chalicelib.configuration.entry_problems import duplicates, field_message, label
from chalicelib.configuration.issuer_entry import ALGORITHMS, PATTERNS_IN_WORDS, IssuerEntry, IssuersFile
from chalicelib.configuration.json_schema import json_schema
from chalicelib.errors import ConfigError
from chalicelib.text.durations import seconds_of
from chalicelib.text.likeness import did_you_mean

# It is there to bound a stolen token: what must live longer is an API token, which can be revoked.
_MAXIMUM_AGE_SECONDS = 2_592_000
_ABOUT_URL = re.compile("`(issuer|jwks_uri)` must be an https URL")
# A host with a point in it, with another scheme than https or none, and what follows.
_NO_SCHEME = re.compile(r"(?:(?i:https?:)?//)?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?(?:/[!-~]*)?)", re.ASCII)


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
            what = field_message(str(error), IssuerEntry, PATTERNS_IN_WORDS)
            what += _with_scheme(entry, what)
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
    if leeway > MAXIMUM_LEEWAY_SECONDS:
        raise ValueError("`leeway` must be at most 5m")
    max_age = _seconds("max_age", entry.max_age)
    if max_age > _MAXIMUM_AGE_SECONDS:
        raise ValueError("`max_age` must be at most 30d")
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
        max_age=max_age,
        leeway=leeway,
        single_use=entry.single_use,
    )


def _with_scheme(entry: object, what: str) -> str:
    """The URL that is meant, where a message is about one without https."""
    match = _ABOUT_URL.match(what)
    if match is None or not isinstance(entry, dict):
        return ""
    plain = _NO_SCHEME.fullmatch(str(entry.get(match[1])))
    return did_you_mean(plain and f"https://{plain[1]}")


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
    try:
        return seconds_of(str(value))
    except ValueError as error:
        raise ValueError(f"`{field}` {error}") from None
