"""The way in: how the caller proves who it is, why so, and whether there is what that takes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from credvend import lean
from credvend.auth.registry import AUTO, method_in_use
from credvend.checks.finding import Finding, advice_of
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


def check_way_in(subject: Subject) -> Iterator[Finding]:
    """The method, why it is that one, and whether a request can be made with it."""
    config, environ = subject.config(), subject.environ
    name = method_in_use(config, environ)
    said = f"{name} ({_why(name, subject)})"
    try:
        subject.url()
    except CredvendError:
        yield Finding("way in", "skipped", said, "There must be a url first.")
        return
    try:
        subject.proof()
    except CredvendError as error:
        yield Finding("way in", "error", said, advice_of(error, "Can it be reached from here?"))
    else:
        yield Finding("way in", "ok", said)


def _why(name: str, subject: Subject) -> str:
    if subject.config().auth != AUTO:
        is_variable = subject.environ.get("CREDVEND_AUTH") and not subject.environ.get(lean.SERVICE)
        return f"{'CREDVEND_AUTH' if is_variable else 'auth in the configuration'} says so"
    if name == "token" and subject.environ.get("CREDVEND_TOKEN"):
        return "CREDVEND_TOKEN is set"
    return FOUND_BY[name]


def check_token(subject: Subject) -> Iterator[Finding]:
    """The token that is sent: what it is, and when it ends. Nothing else of it is told."""
    try:
        proof = subject.proof()
    except CredvendError as error:
        if subject.config.is_raising(error):
            raise
        yield Finding("token", "skipped", "none", "There must be a way in first.")
        return
    if proof.scheme == "sigv4":
        yield Finding("token", "ok", "none: requests are signed")
        return
    claims = jwt_claims(proof.headers.get("Authorization", "").partition(" ")[2])
    if claims is None:
        yield Finding("token", "ok", "no JWT: the service alone knows when it ends")
        return
    ends = claims.get("exp")
    if isinstance(ends, bool) or not isinstance(ends, (int, float)) or not 0 <= ends < _NEVER:
        yield Finding("token", "warning", "a JWT that does not say when it ends", "The service may refuse it.")
        return
    left = int(ends - time.time())
    if left > 0:
        yield Finding("token", "ok", f"a JWT with {duration(left)} to live")
    else:
        again = "`credvend login`" if method_in_use(subject.config(), subject.environ) == "login" else "get a new one"
        yield Finding("token", "error", f"a JWT that ended {duration(-left) or '0s'} ago", f"Expired: {again}.")
