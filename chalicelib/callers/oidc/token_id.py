"""Which token is this? For records, and for issuers whose tokens vend once only. No I/O."""

import hashlib
import json
import math
from typing import Final

from chalicelib.callers.caller import OneUse
from chalicelib.callers.oidc.claims import SignedClaims, VerifiedClaims
from chalicelib.callers.oidc.issuer import MAXIMUM_LEEWAY_SECONDS, Issuer
from chalicelib.callers.presented_token import PresentedToken
from chalicelib.text.printable import is_printable_line, is_visible
from chalicelib.text.timestamps import moment

# It stands in each record of the caller.
_MAXIMUM_ID_CHARACTERS: Final = 256


def presented_token(token: str, key_id: str | None, claims: SignedClaims) -> PresentedToken:
    """What records tell of a token.

    A token ends with its signature, which nobody can guess: so its hash gives nothing away.

    Args:
        key_id: of the key that has signed it.
        claims: what is signed. They need not be right: of a token that is refused, too, people ask which it was.
    """
    jti = claims.get("jti")
    is_id = isinstance(jti, str) and len(jti) <= _MAXIMUM_ID_CHARACTERS and is_printable_line(jti) and is_visible(jti)
    return PresentedToken(
        key_id=key_id,
        token_id=jti if is_id and isinstance(jti, str) else None,
        token_hash=None if is_id else hashlib.sha256(token.encode("ascii")).hexdigest(),
        token_issued=moment(claims.get("iat")),
        token_expires=moment(claims.get("exp")),
    )


def one_use(claims: VerifiedClaims, issuer: Issuer) -> OneUse | None:
    """What may be used once, where the issuer wants that.

    By the issuer's URL, for that is what makes a `jti` another one; an entry may be renamed. And by the largest leeway,
    for the issuer's own may grow while the token lives.
    """
    if not issuer.single_use:
        return None
    # JSON of a list has one reading only: no choice of a jti makes that of another issuer.
    key = json.dumps([issuer.url, claims["jti"]]).encode("ascii")
    expires = claims["exp"]
    if not isinstance(expires, int | float):
        raise TypeError("verified claims have a number as exp")
    return OneUse(hashlib.sha256(key).hexdigest(), math.ceil(expires) + MAXIMUM_LEEWAY_SECONDS)
