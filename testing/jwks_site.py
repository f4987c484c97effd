"""An issuer's key set on loopback, with TLS, as the deployed function demands it."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import cast

from testing.certificate import make_certificate
from testing.tokens import Key, key_set


@dataclass
class JwksSite:
    """Where the keys are.

    Attributes:
        authority: PEM file of the certificate that clients must trust.
        keys: those that are published now.
        asked: how often they were fetched.
    """

    url: str
    authority: Path
    keys: list[Key] = field(default_factory=list)
    asked: int = 0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = cast(_Server, self.server).site
        site.asked += 1
        body = json.dumps(key_set(*site.keys)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: JwksSite


@contextmanager
def jwks_site(directory: Path) -> Iterator[JwksSite]:
    """The site, for as long as the block runs; its certificate goes into the directory."""
    authority = make_certificate(directory, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "private.pem")
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.site = JwksSite(f"https://127.0.0.1:{server.server_address[1]}/keys", authority)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
