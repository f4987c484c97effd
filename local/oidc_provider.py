"""The local OpenID provider: oidc-provider on a free port, for as long as a `with` block runs.

It is a certified provider, and its tokens come from it over HTTP, as everybody's do. What a provider does not let its
callers do goes to its standard input instead: see `local/oidc/server.mjs`.
"""

import base64
import http.client
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Final, cast
from urllib.parse import quote, urlencode, urlsplit

from local.npm import ensure, node, place

AUDIENCE: Final = "urn:credvend"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_STOP_SECONDS: Final = 10
_NO_CLAIMS: Final[Mapping[str, object]] = {}


class OidcProviderError(Exception):
    """The provider did not start, or did not do what it was asked for."""


@dataclass(frozen=True, slots=True)
class Client:
    """A program that may ask for tokens, with its secret."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A running provider.

    Attributes:
        issuer: its URL, on 127.0.0.1.
        audience: what its tokens are for, unless another is asked for.
        device_client: the id of a client that may use the device flow; it has no secret.
        login_client: the id of one that may also send people to the browser and back to a port of the loopback
            address, and that gets refresh tokens (scope `offline_access`); it has no secret either.
    """

    issuer: str
    audience: str
    device_client: str
    login_client: str
    _process: "_Process" = field(repr=False)

    def register(
        self,
        subject: str,
        claims: Mapping[str, object] = _NO_CLAIMS,
        *,
        lifetime: int = 600,
        algorithm: str = "ES256",
    ) -> Client:
        """Register a client whose tokens have this subject, these further claims, this many seconds and this signature.

        Args:
            algorithm: ES256 or RS256.
        """
        asked = {"subject": subject, "claims": claims, "lifetime": lifetime, "algorithm": algorithm}
        answer = self._process.ask("register", asked)
        return Client(cast(str, answer["client_id"]), cast(str, answer["client_secret"]))

    def token(self, client: Client, audience: str | None = None) -> str:
        """An access token for a client, from the token endpoint."""
        key = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
        form = {"grant_type": "client_credentials", "resource": audience or self.audience}
        answer = self.post("/token", form, {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"})
        return cast(str, answer["access_token"])

    def client_token(
        self,
        subject: str,
        claims: Mapping[str, object] = _NO_CLAIMS,
        *,
        audience: str | None = None,
        lifetime: int = 600,
        algorithm: str = "ES256",
    ) -> str:
        """An access token for a client that is registered for it; see `register`."""
        return self.token(self.register(subject, claims, lifetime=lifetime, algorithm=algorithm), audience)

    def person_tokens(self, subject: str, claims: Mapping[str, object] = _NO_CLAIMS) -> tuple[str, str]:
        """The access token and the ID token of a person who signs in by the device flow.

        The ID token has only the claims `email` and `groups`, and it is for the client, not for the audience.
        """
        asked = {"client_id": self.device_client, "scope": "openid", "resource": self.audience}
        device = self.post("/device/auth", asked)
        self.approve(cast(str, device["user_code"]), subject, claims)
        answer = self.post(
            "/token",
            {
                "grant_type": DEVICE_CODE,
                "client_id": self.device_client,
                "device_code": cast(str, device["device_code"]),
            },
        )
        return cast(str, answer["access_token"]), cast(str, answer["id_token"])

    def approve(
        self, user_code: str, subject: str, claims: Mapping[str, object] = _NO_CLAIMS, *, lifetime: int = 600
    ) -> None:
        """Do what a person does in the device flow: sign in, and let the device in that shows this code.

        Args:
            lifetime: seconds that this person's access tokens live.
        """
        asked = {"user_code": user_code, "subject": subject, "claims": claims, "lifetime": lifetime}
        self._process.ask("approve", asked)

    def deny(self, user_code: str) -> None:
        """Do what a careful person does who was shown a code by somebody else."""
        self._process.ask("deny", {"user_code": user_code})

    def sign_in(self, subject: str | None, claims: Mapping[str, object] = _NO_CLAIMS, *, lifetime: int = 600) -> None:
        """Whoever comes with a browser from now on signs in as this person, and consents; with None, refuses."""
        self._process.ask("sign_in", {"subject": subject, "claims": claims, "lifetime": lifetime})

    def rotate(self, keep_old: bool) -> None:
        """From now on sign with new keys; the old ones are still published, or not at all any more."""
        self._process.ask("rotate", {"keep_old": keep_old})

    def claims(self, subject: str = "somebody") -> dict[str, object]:
        """The claims of a good access token, for `sign` to spoil."""
        now = int(time.time())
        return {"iss": self.issuer, "aud": self.audience, "sub": subject, "iat": now, "exp": now + 600}

    def sign(self, claims: Mapping[str, object], header: Mapping[str, object] | None = None) -> str:
        """What this provider would sign with its real key if it misbehaved: exactly these claims.

        Args:
            header: over `alg` (ES256; RS256 has another key), `kid` and `typ` (at+jwt); None takes a field away.
        """
        return cast(str, self._process.ask("sign", {"claims": claims, "header": header or {}})["token"])

    def stop(self) -> None:
        """Refuse connections, as a provider that is down."""
        self._process.ask("stop", {})

    def start_again(self) -> None:
        """Accept connections again, on the same port and with the same keys."""
        self._process.ask("start", {})

    def get(self, path: str) -> dict[str, object]:
        """What it answers to a GET.

        Raises:
            OSError: it is stopped.
            OidcProviderError: it answered with an error.
        """
        return self._request("GET", path, None, {})

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> dict[str, object]:
        """What it answers to a form.

        Raises:
            OSError: it is stopped.
            OidcProviderError: it answered with an error.
        """
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._request("POST", path, urlencode(form), sent)

    def _request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> dict[str, object]:
        # Unlike urllib.request, this knows of no proxies.
        connection = http.client.HTTPConnection(urlsplit(self.issuer).netloc, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise OidcProviderError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return cast(dict[str, object], json.loads(text))


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """Start the provider, which is installed first if need be, and stop it at the end, whatever the end is.

    Raises:
        OidcProviderError: it did not start; holds the end of its log.
        SetupError: it could not be installed.
    """
    ensure("provider")
    with tempfile.TemporaryFile() as log:
        process = _Process(log)
        try:
            where = process.read()
            clients = cast(str, where["device_client"]), cast(str, where["login_client"])
            yield OidcProvider(cast(str, where["issuer"]), AUDIENCE, *clients, process)
        finally:
            process.end()


class _Process:
    """The provider's process: a line in, a line out."""

    def __init__(self, log: IO[bytes]) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [str(node()), "server.mjs", "0"],  # a free port, which it tells
            cwd=place("provider"),
            env={"PATH": os.defpath},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # the terminal's Ctrl-C is for us alone; it ends when its input does
        )

    def ask(self, command: str, arguments: Mapping[str, object]) -> dict[str, object]:
        assert self._process.stdin is not None  # noqa: S101 a pipe, as asked for
        with self._lock:
            try:
                self._process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise self._gone() from error
            answer = self.read()
        if "error" in answer:
            raise OidcProviderError(f"{command}: {answer['error']}")
        return answer

    def read(self) -> dict[str, object]:
        assert self._process.stdout is not None  # noqa: S101 a pipe, as asked for
        line = self._process.stdout.readline()
        if not line:
            raise self._gone()
        return cast(dict[str, object], json.loads(line))

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 pipes, as asked for
        with suppress(OSError):  # it is gone already
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _gone(self) -> OidcProviderError:
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").splitlines()
        return OidcProviderError("\n".join(["The local OpenID provider ended. The end of its log:", *said[-20:]]))
