"""Why an issuer gives credvend no keys, in words, and what to do about it."""

import errno
import http.client
import socket
import ssl
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from chalicelib.callers.oidc.fetch import BadAnswer
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.oidc.issuer_keys import PATIENCE_SECONDS, AnotherIssuer, NoUsefulKey, discovery_url
from chalicelib.callers.oidc.key_set import has_use_for
from chalicelib.configuration.issuer_entry import ALGORITHMS
from chalicelib.text.strict_json import NotStrictJson

_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
# Of what an issuer answers: an address or a name is shorter, and nobody reads more.
_TOLD_CHARACTERS: Final = 200


class Trouble(NamedTuple):
    """What is wrong, and what to do. Both may hold text of the issuer's: escape them before they are shown.

    Attributes:
        went_nowhere: nothing left this machine, for it knows no way to the issuer, or not its address.
    """

    what: str
    advice: str
    went_nowhere: bool = False


def explain(error: Exception, url: str, issuer: Issuer) -> Trouble:
    """What an error means that `fetch_keys` has raised.

    Args:
        url: what was asked last.
    """
    host = urlsplit(url).hostname
    match error:
        case BadAnswer():
            return _of_answer(error, url, issuer)
        case AnotherIssuer():
            return Trouble(
                f"its discovery document is of another issuer: {_told(error.found)}",
                "Write `issuer` as it stands there, to the last slash, if its tokens have that `iss`.",
            )
        case NoUsefulKey():
            return _of_keys(error, issuer)
        case NotStrictJson():
            return Trouble(f"{url} {error}", "Ask for that address yourself: it is no document of an issuer.")
        case ssl.SSLCertVerificationError():
            return Trouble(
                f"the certificate of {host} is not trusted: {error.verify_message}",
                "Lambda trusts public authorities alone. With a certificate of your own one, use `jwks_file`.",
            )
        case ssl.SSLError():
            return Trouble(f"no TLS with {host}: {error.reason or error}", "Its server must speak TLS 1.2 or newer.")
        case socket.gaierror():
            return Trouble(
                f"the name {host} is not known",
                "Check its spelling. If your network alone knows it, use `jwks_file`.",
                went_nowhere=True,
            )
        case TimeoutError():
            return Trouble(
                f"{host} did not answer within {PATIENCE_SECONDS} s",
                "Lambda has no longer patience. If it cannot be reached from the internet, use `jwks_file`.",
            )
        case http.client.HTTPException():
            return Trouble(f"{host} answered no HTTP", "Check host and port of the address.")
        case OSError():
            return Trouble(
                f"{host} cannot be reached: {error.strerror or error}",
                "Check host and port. If it cannot be reached from the internet, use `jwks_file`.",
                went_nowhere=error.errno in _NO_WAY,
            )
    return Trouble(f"{url}: {error}", "Ask whoever runs the issuer, or set `jwks_uri` or `jwks_file`.")


def _of_answer(error: BadAnswer, url: str, issuer: Issuer) -> Trouble:
    what = f"{url} answered {error.status}"
    if 300 <= error.status < 400:
        leads = f": it leads to {_told(error.location)}" if error.location else ""
        return Trouble(f"{what}{leads}", "Redirects are not followed: write the address that is meant.")
    if error.status in (401, 403):
        return Trouble(what, "Let everybody read it, or use `jwks_file`: credvend asks without credentials.")
    if error.status in (404, 410):
        if url == discovery_url(issuer):
            return Trouble(what, "Check `issuer`. One without discovery needs `jwks_uri`, or `jwks_file`.")
        return Trouble(what, "Check `jwks_uri`." if issuer.jwks_uri else "Tell whoever runs the issuer.")
    return Trouble(what, "Try again later, or tell whoever runs the issuer.")


def _told(answer: object) -> str:
    """What an issuer answers, cut: it may be as long as a document or a header."""
    text = str(answer)
    return text if len(text) <= _TOLD_CHARACTERS else f"{text[:_TOLD_CHARACTERS]}..."


def _of_keys(error: NoUsefulKey, issuer: Issuer) -> Trouble:
    fitting = [algorithm for algorithm in ALGORITHMS if has_use_for(error.keys, [algorithm])]
    if not error.keys or not fitting:
        return Trouble("it has no key that signatures can be checked with", "Tell whoever runs the issuer.")
    return Trouble(
        f"none of its keys is for {', '.join(sorted(issuer.algorithms))}",
        f"Its keys are for {', '.join(fitting)}: set `algorithms` to what its tokens have as `alg`.",
    )
