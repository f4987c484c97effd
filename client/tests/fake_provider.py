"""A loopback OpenID provider that misbehaves on demand. (The end-to-end tests sign in at a real one.)

Its refresh tokens are good for one use; a second use of one ends the sign-in, as RFC 9700, 4.14.2, has it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from loopback import Answer, Asked, Json, serving

CLIENT = "credvend-login"
Form = dict[str, str]


def unsigned(claims: Json) -> str:
    """A JWT that nobody signed: this client does not look at signatures."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + ".x"


@dataclass
class FakeProvider:
    """What it answers can be changed at any time.

    Attributes:
        asked: path and form of each POST, in order.
        pending: errors that the token endpoint answers to the device first.
        metadata: over the description of itself.
        id_claims: over the claims of ID tokens.
        token_answer: over what the token endpoint answers; None takes a field away.
        lifetime: of access tokens, in seconds.
        on_refresh: called before a refresh is answered.
    """

    issuer: str = ""
    asked: list[tuple[str, Form]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)
    id_claims: Json = field(default_factory=dict)
    token_answer: Json = field(default_factory=dict)
    lifetime: int = 600
    nonce: str | None = None
    spent: set[str] = field(default_factory=set)
    valid: str | None = None
    issued: int = 0
    on_refresh: Callable[[], None] = lambda: None

    def describe(self) -> Json:
        return {
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/token",
            "device_authorization_endpoint": f"{self.issuer}/device",
            "authorization_endpoint": f"{self.issuer}/auth?tenant=1",
            "revocation_endpoint": f"{self.issuer}/revoke",
            **self.metadata,
        }

    def post(self, path: str, form: Form) -> tuple[int, Json | None]:
        self.asked.append((path, form))
        if path == "/device":
            return 200, {
                "device_code": "the-device-code",
                "user_code": "ABCD-EFGH",
                "verification_uri": f"{self.issuer}/activate",
                "expires_in": 600,
                "interval": 0,
            }
        if path == "/revoke":
            if form["token"] == self.valid:
                self.valid = None
            return 200, None
        if form["grant_type"] == "refresh_token":
            self.on_refresh()
            given = form["refresh_token"]
            if given in self.spent:
                self.valid = None  # taken for theft
            if given != self.valid:
                return 400, {"error": "invalid_grant", "error_description": "no such token: " + given}
            self.spent.add(given)
        elif self.pending:
            return 400, {"error": self.pending.pop(0)}
        return 200, self.tokens()

    def tokens(self) -> Json:
        now = int(time.time())
        self.issued += 1
        self.valid = f"refresh-{self.issued}"
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "alice",
            "iat": now,
            "exp": now + 600,
            "email": "a@example.com",
        }
        if self.nonce is not None:
            claims["nonce"] = self.nonce
        answer = {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "access_token": unsigned({"sub": "alice", "number": self.issued, "exp": now + self.lifetime}),
            "refresh_token": self.valid,
            "id_token": unsigned({**claims, **self.id_claims}),
            **self.token_answer,
        }
        return {name: value for name, value in answer.items() if value is not None}

    def forms(self, grant_type: str) -> list[Form]:
        return [form for path, form in self.asked if form.get("grant_type") == grant_type]


@contextlib.contextmanager
def fake_provider() -> Iterator[FakeProvider]:
    """Run one on a free port."""
    provider = FakeProvider()
    lock = threading.Lock()

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            with lock:
                status, content = provider.post(asked.path, dict(parse_qsl(asked.body.decode())))
        elif urlsplit(asked.path).path == "/.well-known/openid-configuration":
            status, content = 200, provider.describe()
        else:
            status, content = 404, {}
        return Answer(status, b"" if content is None else json.dumps(content).encode())

    with serving(answer) as url:
        provider.issuer = url
        yield provider
