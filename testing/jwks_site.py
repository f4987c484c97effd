"""An issuer's key set on loopback, with TLS, as the deployed function demands it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testing.certificate import make_certificate
from testing.loopback import Request, Response, json_response, serve
from testing.tokens import Key, key_set


@dataclass
class JwksSite:
    """Where the keys are.

    Attributes:
        authority: PEM file of the certificate that clients must trust.
        keys: those that are published now.
        asked: how often they were fetched.
    """

    authority: Path
    url: str = ""
    keys: list[Key] = field(default_factory=list)
    asked: int = 0

    def answer(self, _: Request) -> Response:
        self.asked += 1
        return json_response(key_set(*self.keys))


@contextmanager
def jwks_site(directory: Path) -> Iterator[JwksSite]:
    """The site, for as long as the block runs; its certificate goes into the directory."""
    site = JwksSite(make_certificate(directory, "127.0.0.1"))
    with serve(site.answer, directory / "private.pem") as server:
        site.url = f"{server.url}/keys"
        yield site
