"""Requests to vend, as API Gateway's REST API sends them to the function."""

import json

from tests.harness.events import Json, iam_user, rest_event
from tests.harness.tokens import Key, honest_claims, sign


def sigv4_event(user: str, role: str) -> str:
    """A vend that API Gateway found signed by an IAM user."""
    return _event("/v1/iam/credentials", role, {}, iam_user(user))


def oidc_event(subject: str, role: str, key: Key) -> str:
    """A vend with a bearer token."""
    return _event("/v1/credentials", role, {"Authorization": f"Bearer {sign(honest_claims(sub=subject), key)}"}, None)


def _event(path: str, role: str, headers: dict[str, str], identity: Json | None) -> str:
    body = json.dumps({"role": role, "duration": "15m", "reason": "measure"})
    sent = {"Content-Type": "application/json"} | headers
    return json.dumps(rest_event("POST", path, identity=identity, headers=sent, body=body))
