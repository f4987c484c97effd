"""What do a token's claims say? Checked against its issuer's configuration, and made into a caller. No I/O.

The claims of RFC 7519, 4.1. A claim of another type than it should have is never converted, always refused. One that is
not there is not taken for empty where the token says that it is somewhere else.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NewType

from chalicelib.callers.caller import Claim
from chalicelib.callers.oidc.elsewhere import are_groups_elsewhere, is_elsewhere
from chalicelib.callers.oidc.issuer import ClaimPath, Issuer, Scalar
from chalicelib.callers.oidc_subject import OidcSubject, is_group_name
from chalicelib.errors import InvalidToken
from chalicelib.text.printable import is_visible, unprintable
from chalicelib.text.timestamps import LATEST_SECONDS

SignedClaims = NewType("SignedClaims", dict[str, object])
"""What an issuer has signed, whenever and for whomever."""

VerifiedClaims = NewType("VerifiedClaims", dict[str, object])
"""Signed by a trusted issuer, for us, and valid now: only these make a caller."""

_MAXIMUM_TEXT_CHARACTERS: Final = 1024
_MAXIMUM_VALUES: Final = 256
_LISTED_CHARACTERS: Final = 256


def check_claims(claims: SignedClaims, issuer: Issuer, now: float) -> VerifiedClaims:
    """The claims, if the token is of that issuer, for us, and valid now.

    Args:
        now: seconds since 1970, UTC.

    Raises:
        InvalidToken: says which claim is wrong.
    """
    if claims.get("iss") != issuer.url:
        raise InvalidToken("The token's iss is another one.", "unknown_issuer")
    _check_times(claims, issuer, now)
    _check_audience(claims, issuer)
    for name, allowed in issuer.required_claims:
        value = _required(claims, name)
        if allowed and not any(_same(value, one) for one in allowed):
            raise InvalidToken(f"The token's {name} is not one that is let in.", "wrong_claim")
    if issuer.single_use:
        _check_id(claims)
    return VerifiedClaims(dict(claims))


def subject_of(claims: VerifiedClaims, issuer: Issuer) -> OidcSubject:
    """The caller that verified claims tell of.

    Raises:
        InvalidToken: a claim that is needed is missing, or is not what it should be.
    """
    subject = _at(claims, issuer.subject_claim)
    if not isinstance(subject, str) or not is_visible(subject):
        raise InvalidToken(f"The token's {_shown(issuer.subject_claim)} must be a text.", "wrong_claim")
    groups, odd_groups = _groups(claims, issuer.groups_claim)
    return OidcSubject(
        issuer=issuer.name,
        subject=_text(subject, issuer.subject_claim),
        groups=groups,
        claims=tuple(_tags(claims, issuer)),
        odd_groups=odd_groups,
    )


def _check_times(claims: Mapping[str, object], issuer: Issuer, now: float) -> None:
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expires <= now - issuer.leeway:
        raise InvalidToken("The token has expired. Get a new one.", "expired")
    if issued > now + issuer.leeway or ("nbf" in claims and _time(claims, "nbf") > now + issuer.leeway):
        raise InvalidToken("The token is not valid yet. Check the clocks.", "not_yet_valid")
    if issued < now - issuer.leeway - issuer.max_age:
        raise InvalidToken(f"The token was issued more than {issuer.max_age} seconds ago. Get a new one.", "too_old")


def _time(claims: Mapping[str, object], name: str) -> float:
    value = _required(claims, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"The token's {name} must be a number.", "malformed")
    if value > LATEST_SECONDS:
        raise InvalidToken(f"The token's {name} is no moment: it must be seconds since 1970.", "malformed")
    return value


def _check_audience(claims: Mapping[str, object], issuer: Issuer) -> None:
    value = _required(claims, issuer.audience_claim)
    audiences = value if isinstance(value, list) else [value]
    if not all(isinstance(audience, str) for audience in audiences):
        raise InvalidToken(f"The token's {issuer.audience_claim} must be a text, or a list of texts.", "malformed")
    if issuer.audiences.isdisjoint(audiences):
        # No secret: whoever holds a signed token of this issuer may know what to ask it for.
        raise InvalidToken(
            f"The token's {issuer.audience_claim} is not credvend. Ask issuer {issuer.name} for a token for "
            f"{_listed(issuer.audiences)}.",
            "wrong_audience",
        )


def _listed(names: Iterable[str]) -> str:
    """Names, as many as there is room for: the message stands in a header, too."""
    waiting = sorted(names)
    shown: list[str] = []
    while waiting and sum(map(len, [*shown, waiting[0]])) <= _LISTED_CHARACTERS:
        shown.append(waiting.pop(0))
    return " or ".join([*shown, f"one of {len(waiting)} that are too long to name"] if waiting else shown)


def _check_id(claims: Mapping[str, object]) -> None:
    """RFC 7519, 4.1.7: a text that no other token of the issuer has."""
    value = _required(claims, "jti")
    if not (isinstance(value, str) and value):
        raise InvalidToken("The token's jti must be a text.", "wrong_claim")


def _groups(claims: Mapping[str, object], path: ClaimPath | None) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """The groups that a policy can name, and what else stands among them, which no policy can (docs/decisions/0053).

    Whoever names one group must not lock out all who are in it. But a number or an object is no odd name: the claim is
    not what was meant, and what a policy forbids would not be found in it.
    """
    if path is None:
        return (), ()
    value = _at(claims, path)
    if value is None:
        if are_groups_elsewhere(claims):
            raise _elsewhere(path)
        return (), ()
    groups: list[str] = []
    odd: list[str | None] = []
    for group in value if isinstance(value, list) else [value]:
        if isinstance(group, str) and is_group_name(group):
            groups.append(group)
        elif isinstance(group, str) or group is None:
            odd.append(group)
        else:
            raise InvalidToken(f"The token's {_shown(path)} must be a text, or a list of texts.", "wrong_claim")
    return tuple(dict.fromkeys(groups)), tuple(odd)


def _tags(claims: Mapping[str, object], issuer: Issuer) -> Iterator[tuple[str, Claim]]:
    for name, path in issuer.claims:
        value = _at(claims, path)
        if isinstance(value, list):
            if len(value) > _MAXIMUM_VALUES:
                raise InvalidToken(f"The token's {_shown(path)} has more than {_MAXIMUM_VALUES} values.", "wrong_claim")
            yield name, tuple(_scalar(one, path) for one in value)
        elif value is not None:
            yield name, _scalar(value, path)


def _scalar(value: object, path: ClaimPath) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number: 1.0 is 1
    if isinstance(value, str | int | float):
        return _text(str(value), path)
    raise InvalidToken(f"The token's {_shown(path)} must be text, number or boolean, or a list of them.", "wrong_claim")


def _text(value: str, path: ClaimPath) -> str:
    """The text, if it is one that can stand in policies, session tags and logs."""
    if len(value) > _MAXIMUM_TEXT_CHARACTERS:
        raise InvalidToken(f"The token's {_shown(path)} is too long.", "wrong_claim")
    if mark := unprintable(value):
        raise InvalidToken(f"The token's {_shown(path)} has invisible characters: {mark}.", "wrong_claim")
    return value


def _required(claims: Mapping[str, object], name: str) -> object:
    value = _at(claims, (name,))
    if value is None:
        raise InvalidToken(f"The token lacks the claim {name}.", "missing_claim")
    return value


def _at(claims: Mapping[str, object], path: ClaimPath) -> object:
    """The value of a claim; None: it is missing, or null.

    Raises:
        InvalidToken: the token says that it is somewhere else, or what should lead to it is no object.
    """
    value: object = claims
    for place, step in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise InvalidToken(f"The token's {_shown(path[:place])} must be an object.", "wrong_claim")
        if is_elsewhere(value, step):
            raise _elsewhere(path)
        value = value.get(step)
    return value


def _elsewhere(path: ClaimPath) -> InvalidToken:
    return InvalidToken(
        f"The token says that its {_shown(path)} is somewhere else, as that of people with very many groups is, and "
        "credvend takes only what a token holds. Have the issuer put it into the token: of groups, only those that are "
        "assigned to the application, or app roles.",
        "claims_elsewhere",
    )


def _same(value: object, allowed: Scalar) -> bool:
    """Equal and of one type: in Python, 1 is True."""
    return type(value) is type(allowed) and value == allowed


def _shown(path: ClaimPath) -> str:
    return ".".join(path)
