"""Mistakes in issuers.yaml that would show with the first token only.

Only what checks a configuration reads this: the deployed function never does.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from chalicelib.callers.oidc.issuer import ClaimPath, Issuer, Scalar
from chalicelib.configuration.claim_forms import form_of
from chalicelib.configuration.known_issuers import KUBERNETES, REGISTERED, ClaimType, KnownIssuer, known_issuer
from chalicelib.text.likeness import nearest

_FILE: Final = "issuers.yaml"
# Near enough for a slip of the finger, too far for another word: `group` is like `groups`, `email_domain` not `email`.
_ALIKE: Final = 0.84
_WELL_KNOWN: Final = "/.well-known/"
# What people copy instead of the issuer: the addresses of what belongs to it.
_ADDRESSES: Final = re.compile(r"(?i)/(jwks(\.json)?|keys|certs|authorize|oauth/token|userinfo|oauth2/token)/*\Z")
_GUID: Final = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Where there is one issuer for all the world, and its host is easily misspelt.
_HOSTS: Final = (
    "token.actions.githubusercontent.com",
    "accounts.google.com",
    "login.microsoftonline.com",
    "sts.windows.net",
)
# Of which anybody in the world can have tokens, for any audience; and the claim that tells whose they are.
_EVERYBODYS: Final = {
    "https://token.actions.githubusercontent.com": "repository_owner_id",
    "https://gitlab.com": "namespace_id",
    "https://accounts.google.com": "sub",
}
# By which nobody is to be known: OpenID Connect Core 1.0, 5.7, and for Entra ID
# https://learn.microsoft.com/entra/identity-platform/claims-validation
_CHANGING: Final = frozenset({"email", "preferred_username", "upn", "unique_name", "nickname", "name"})
# Names of accounts, which their owners change, and what never changes. https://docs.github.com/en/actions/reference/security/oidc
# and https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
_RENAMED: Final = {"actor": "actor_id", "user_login": "user_id", "user_email": "user_id"}
_ALL_REFUSED: Final = "every token of this issuer would be refused"
# A URL that lacks a slash or its colon.
_BROKEN_URL: Final = re.compile(r"(?i)https?(:/?|/{1,2})[^/:]|api(:/|//)[^/:]")


class _Finding(NamedTuple):
    """Something that is wrong, for certain or most likely."""

    certain: bool
    what: str


def issuer_mistakes(issuers: Iterable[Issuer]) -> list[str]:
    """What cannot work, one line each: for a configuration that must not be deployed."""
    return [line for certain, line in _lines(issuers) if certain]


def issuer_warnings(issuers: Iterable[Issuer]) -> list[str]:
    """What is likely not meant, one line each."""
    return [line for certain, line in _lines(issuers) if not certain]


def _lines(issuers: Iterable[Issuer]) -> Iterator[tuple[bool, str]]:
    for issuer in issuers:
        known = known_issuer(issuer.url)
        findings = [*_of_url(issuer, known), *_of_audiences(issuer, known), *_of_values(issuer, known)]
        findings += _of_subject(issuer, known)
        findings += _of_signatures(issuer, known) if known else ()
        if known or _is_of_kubernetes(issuer):
            findings += _of_claims(issuer, known or KUBERNETES)
        for certain, what in findings:
            yield certain, f"{_FILE}: issuer {issuer.name!r}: {what}"


def _of_url(issuer: Issuer, known: KnownIssuer | None) -> Iterator[_Finding]:
    url = issuer.url
    tidied = _tidied(url)
    if _WELL_KNOWN in f"{url}/":
        yield _Finding(True, f"`issuer` is the address of a document: the issuer itself is {tidied}")
    elif known and not known.url.fullmatch(url):
        yield from _of_known_url(url, tidied, known)
    elif tidied != url:
        yield _Finding(False, f"`issuer` must be exactly the `iss` of its tokens: {tidied}, most likely")
    if known is None:
        if _ADDRESSES.search(url):
            yield _Finding(False, "`issuer` looks like the address of something that belongs to it, not like an `iss`")
        yield from _of_host(re.sub(r":[0-9]+\Z", "", url.split("/")[2]).lower(), issuer)
    if known and known.name == "Okta" and "/oauth2/" not in url:
        yield _Finding(False, "access tokens of Okta's org authorization server cannot be verified, only its ID tokens")
    if issuer.jwks_uri and issuer.jwks_uri.endswith("/.well-known/openid-configuration"):
        yield _Finding(True, "`jwks_uri` is the discovery document, which holds no keys: leave `jwks_uri` out")


def _of_known_url(url: str, tidied: str, known: KnownIssuer) -> Iterator[_Finding]:
    for right in (tidied, tidied.rstrip("/"), f"{tidied}/", tidied.lower()):
        if right != url and known.url.fullmatch(right):
            yield _Finding(known.certain, f"`issuer` must be exactly the `iss` of {known.name} tokens: {right}")
            return
    yield _Finding(known.certain, f"`issuer` is none of {known.name}: those are {known.written}")


def _of_host(host: str, issuer: Issuer) -> Iterator[_Finding]:
    if host in ("github.com", "api.github.com"):
        yield _Finding(False, f"`issuer` of GitHub Actions is https://{_HOSTS[0]}")
        return
    right = nearest(host, _HOSTS, _ALIKE)
    if right is not None and right != host:
        yield _Finding(False, f"`issuer` has the host {host}. Did you mean {right}?")
    if not (issuer.jwks_file or issuer.jwks_uri or issuer.url.startswith("http://")) and _is_private(host):
        yield _Finding(False, f"{host} cannot be reached from Lambda: put its keys beside this file, as `jwks_file`")


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".svc", ".localhost"))


def _tidied(url: str) -> str:
    """A URL as issuers write theirs: host in lower case, no default port, no slash twice, nothing well-known."""
    url = f"{url}/".partition(_WELL_KNOWN)[0] if _WELL_KNOWN in f"{url}/" else url
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    host = host.lower().removesuffix(":443" if scheme == "https" else ":80")
    return f"{scheme}://{host}" + re.sub("/+", "/", slash + path)


def _of_audiences(issuer: Issuer, known: KnownIssuer | None) -> Iterator[_Finding]:
    for audience in sorted(issuer.audiences):
        shown = f"audience {audience!r}"
        if audience != audience.strip():
            yield _Finding(False, f"{shown} has blanks around it; audiences are compared exactly")
        elif "*" in audience:
            yield _Finding(False, f"{shown} has a `*`, which stands for itself alone: name each audience")
        elif "," in audience or " " in audience:
            yield _Finding(False, f"{shown} looks like several: write a list")
        elif _is_misspelt_url(audience):
            yield _Finding(False, f"{shown} looks like a misspelt URL")
        elif _WELL_KNOWN in f"{audience}/":
            yield _Finding(False, f"{shown} is the address of a document")
        elif audience == issuer.url:
            yield _Finding(False, f"{shown} is the issuer itself: tokens are for somebody else, such as credvend")
        elif known and known.name == "Entra ID (v2.0)" and not _GUID.fullmatch(audience):
            yield _Finding(False, f"{shown} is no client id, which is always the `aud` of Entra's v2.0 tokens")


def _is_misspelt_url(text: str) -> bool:
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _BROKEN_URL.match(text) is not None
    return "//" in rest or (scheme not in ("http", "https") and nearest(scheme, ["https"], _ALIKE) is not None)


def _of_values(issuer: Issuer, known: KnownIssuer | None) -> Iterator[_Finding]:
    """Required values that the claim cannot have."""
    claims = known.claims if known else REGISTERED
    fixed = known.fixed if known else False
    for name, values in issuer.required_claims:
        kind = claims.get((name,))
        certain = fixed or (name,) in REGISTERED
        whose = known.name if known and (name,) not in REGISTERED else "its"
        for value in values:
            what = _misfit(value, kind)
            if what:
                yield _Finding(certain, f"`required_claims` asks for {name}: {_yaml(value)}, but {whose} {name} {what}")
            elif known and isinstance(value, str) and (form := form_of(known, (name,))) and not form.lets([value]):
                yield _Finding(
                    False, f"`required_claims` asks for {name}: {_yaml(value)}, but {whose} {name} {form.words}"
                )
            elif kind is None and isinstance(value, int) and not isinstance(value, bool):
                yield _Finding(
                    False, f'`required_claims` asks for the number {value} in {name}; if it is a text: "{value}"'
                )
    required = dict(issuer.required_claims)
    owner = _EVERYBODYS.get(issuer.url)
    if owner is not None and not any(required.values()):
        yield _Finding(False, f"anybody can get such tokens, and `required_claims` keeps nobody out: require {owner}")
    version = {"Entra ID (v2.0)": "2.0", "Entra ID (v1.0)": "1.0"}.get(known.name if known else "")
    if version and required.get("ver") and version not in required["ver"]:
        yield _Finding(
            True, f"`required_claims` asks for another `ver` than {version}, which tokens of this issuer have"
        )
    if issuer.single_use and known and known.name.startswith("Entra ID"):
        # `uti`: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
        yield _Finding(False, "`single_use` wants a jti, which Entra's tokens do not have: all would be refused")
    if known and known.name == "Cognito":
        yield from _of_cognito(issuer.audience_claim, required.get("token_use", ()))


def _of_subject(issuer: Issuer, known: KnownIssuer | None) -> Iterator[_Finding]:
    """A subject that a person can change, and that may be another's tomorrow."""
    (*_, name) = issuer.subject_claim
    if known is None or name not in (*_CHANGING, *_RENAMED) or len(issuer.subject_claim) > 1:
        return
    right = _RENAMED.get(name) or ("oid" if known.name.startswith("Entra ID") else "sub")
    yield _Finding(
        False,
        f"`subject_claim` is {name}, which people can change and others can be given: policies and records would take "
        f"one for the other. Write {right}, and have `claims` tell {name}",
    )


def _of_signatures(issuer: Issuer, known: KnownIssuer) -> Iterator[_Finding]:
    if known.algorithms and known.algorithms.isdisjoint(issuer.algorithms):
        yield _Finding(
            False,
            f"`algorithms` has none of {', '.join(sorted(known.algorithms))}, with which {known.name} signs: "
            f"{_ALL_REFUSED}",
        )
    if known.types and known.types.isdisjoint(one for one in issuer.types if one is not None):
        yield _Finding(
            False,
            f"`types` lacks {', '.join(sorted(known.types)).upper()}, which is the typ of {known.name} tokens: "
            f"{_ALL_REFUSED}",
        )


def _of_cognito(audience_claim: str, token_use: tuple[Scalar, ...]) -> Iterator[_Finding]:
    # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
    if "access" in token_use and audience_claim == "aud":
        yield _Finding(False, "Cognito's access tokens mostly have no aud: set `audience_claim: client_id`")
    if token_use == ("id",) and audience_claim == "client_id":
        yield _Finding(False, "Cognito's ID tokens have no client_id: leave `audience_claim` out")


def _misfit(value: Scalar, kind: ClaimType | None) -> str | None:
    """Why a claim of that type never has that value, and what to do."""
    if kind in ("list", "object"):
        return f"is {'a list' if kind == 'list' else 'an object'}, which equals no value: have a policy ask for it"
    if kind == "text" and not isinstance(value, str):
        return f'is a text: write "{_yaml(value)}"'
    if kind == "number" and (isinstance(value, str) or value is True or value is False):
        return "is a number: write it without quotes"
    if kind == "boolean" and not isinstance(value, bool):
        return "is true or false: write it without quotes"
    return None


def _yaml(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def _is_of_kubernetes(issuer: Issuer) -> bool:
    paths = [issuer.subject_claim, issuer.groups_claim or (), *(path for _, path in issuer.claims)]
    return any(path and path[0].startswith("kubernetes.io") for path in paths)


def _of_claims(issuer: Issuer, known: KnownIssuer) -> Iterator[_Finding]:
    """Names of claims that the issuer's tokens do not have, but nearly."""
    named: list[tuple[str, ClaimPath]] = [("subject_claim", issuer.subject_claim)]
    named += [("groups_claim", issuer.groups_claim)] if issuer.groups_claim else []
    named += [("claims", path) for _, path in issuer.claims]
    named += [("required_claims", (name,)) for name, _ in issuer.required_claims]
    named += [("audience_claim", (issuer.audience_claim,))] if issuer.audience_claim != "aud" else []
    for key, path in dict.fromkeys(named):
        right = _meant(path, known)
        if right:
            refused = "" if key in ("claims", "groups_claim") else f", so {_ALL_REFUSED}"
            yield _Finding(
                False, f"`{key}`: {known.name} tokens have no {_written(path)}{refused}. Did you mean {right}?"
            )


def _meant(path: ClaimPath, known: KnownIssuer) -> str | None:
    """The claim that is most likely meant by a path that leads to none."""
    if path in known.claims or path == ("aud",) or _is_the_holders_own(path, known):
        return None
    if path[0] in known.instead:
        return known.instead[path[0]]
    spelt = {_spelt(one): one for one in known.claims}
    near = nearest(_spelt(path), spelt, _ALIKE)
    if near is not None:
        return _written(spelt[near])
    # A name that is right, but deeper.
    return next(
        (_written(one) for one in known.claims if len(one) > 1 and one[-1] == path[-1] not in ("name", "uid")), None
    )


def _is_the_holders_own(path: ClaimPath, known: KnownIssuer) -> bool:
    for length in range(1, len(path)):
        start = path[:length]
        if known.claims.get(start) == "object" and not any(one[:length] == start != one for one in known.claims):
            return True
    return False


def _spelt(path: ClaimPath) -> str:
    """A path as it sounds: however its words are put together."""
    return re.sub("[^a-z0-9]", "", "".join(path).lower())


def _written(path: ClaimPath) -> str:
    return path[0] if len(path) == 1 else f"[{', '.join(path)}]"
