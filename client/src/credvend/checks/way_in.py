"""The way in: how the caller proves who it is, why so, and whether there is what that takes."""

from __future__ import annotations

import time

from credvend import lean
from credvend.auth.registry import AUTO, method_in_use
from credvend.checks.finding import Found, advice_of, first
from credvend.checks.subject import Subject
from credvend.errors import CredvendError
from credvend.oidc.tokens import jwt_claims
from credvend.text.tables import duration

# Seconds since 1970 at the end of the year 9999, in which the service's times end.
_NEVER = 253_402_300_800
# By what `lean.chosen_auth_method` finds each.
FOUND_BY = {
    "token": "an API token that `credvend configure` saved",
    "token-file": "token_file is set",
    "github": "ACTIONS_ID_TOKEN_REQUEST_URL is set",
    "gitlab": f"this is a GitLab job with {lean.GITLAB_TOKEN}",
    "kubernetes": f"this is a pod with {lean.KUBERNETES_TOKEN}",
    "login": "a sign-in to this service",
    "sigv4": "nothing else was found",
}


def check_way_in(subject: Subject) -> Found:
    """The method, why it is that one, and whether a request can be made with it."""
    name = method_in_use(subject.config(), subject.environ)
    said = f"{name} ({_why(name, subject)})"
    with first("There must be a url first.", said):
        subject.url()
    try:
        subject.proof()
    except CredvendError as error:
        return Found("error", said, advice_of(error, "Can it be reached from here?"))
    return Found("ok", said)


def _why(name: str, subject: Subject) -> str:
    if subject.config().auth != AUTO:
        is_variable = subject.environ.get("CREDVEND_AUTH") and not subject.environ.get(lean.SERVICE)
        return f"{'CREDVEND_AUTH' if is_variable else 'auth in the configuration'} says so"
    if name == "token" and subject.environ.get("CREDVEND_TOKEN"):
        return "CREDVEND_TOKEN is set"
    return FOUND_BY[name]


def check_token(subject: Subject) -> Found:
    """The token that is sent: what it is, and when it ends. Nothing else of it is told."""
    with first("There must be a way in first.", "none"):
        proof = subject.proof()
    if subject.caller().scheme == "sigv4":
        return Found("ok", "none: requests are signed")
    claims = jwt_claims(proof.get("Authorization", "").partition(" ")[2])
    if claims is None:
        return Found("ok", "no JWT: the service alone knows when it ends")
    ends = claims.get("exp")
    if isinstance(ends, bool) or not isinstance(ends, (int, float)) or not 0 <= ends < _NEVER:
        return Found("warning", "a JWT that does not say when it ends", "The service may refuse it.")
    left = int(ends - time.time())
    if left > 0:
        return Found("ok", f"a JWT with {duration(left)} to live")
    again = "`credvend login`" if method_in_use(subject.config(), subject.environ) == "login" else "get a new one"
    return Found("error", f"a JWT that ended {duration(-left) or '0s'} ago", f"Expired: {again}.")
