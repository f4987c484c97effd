"""The events that are measured: a vend by each of the two ways to authenticate."""

import json

from testing.events import Json, Texts, iam_user, rest_event
from testing.tokens import Key, honest_claims, sign

_JSON: Texts = {"Content-Type": "application/json"}


def sigv4_event(user: str, role: str, duration: str = "15m") -> str:
    """A vend that API Gateway found signed by an IAM user."""
    return _vend("/v1/iam/credentials", role, _JSON, iam_user(user), duration)


def oidc_event(subject: str, role: str, key: Key) -> str:
    """A vend with a bearer token."""
    bearer = f"Bearer {sign(honest_claims(sub=subject), key)}"
    return _vend("/v1/credentials", role, {**_JSON, "Authorization": bearer}, None)


def _vend(path: str, role: str, headers: Texts, identity: Json | None, duration: str = "15m") -> str:
    body = json.dumps({"role": role, "duration": duration, "reason": "measure"})
    return json.dumps(rest_event("POST", path, identity=identity, headers=headers, body=body))
