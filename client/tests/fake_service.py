"""A loopback service that answers what it is told to. (The end-to-end tests ask the real one.)"""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

Json = dict[str, Any]
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY/+"
TOKEN = "IQoJb3JpZ2luX2VjEEXAMPLE//////////wEaCXVzLWVhc3QtMSJH=="


@dataclass(frozen=True)
class Asked:
    """A request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body))


@dataclass(frozen=True)
class Planned:
    """An answer.

    Attributes:
        body: JSON, or bytes as they are.
        cut: end the connection after the headers.
    """

    status: int = 200
    body: Json | bytes = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class FakeService:
    """What it answers can be changed at any time.

    Attributes:
        asked: every request, in order.
        planned: the next answers; when there are none left, credentials, roles and who calls.
        lifetime: of credentials, in seconds.
        ahead: seconds that its clock is ahead.
        gate: requests are answered while it is set.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    lifetime: int = 3600
    ahead: float = 0.0
    gate: threading.Event = field(default_factory=threading.Event)
    roles: list[Json] = field(default_factory=list)

    def answer(self, asked: Asked) -> Planned:
        if self.planned:
            return self.planned.pop(0)
        route = asked.path.rpartition("/")[2]
        if route == "credentials":
            return Planned(body=self.vend(str(asked.json["role"])))
        if route == "roles":
            return Planned(body={"Roles": self.roles, "RequestId": "request-1"})
        return Planned(body={"Type": "ServiceToken", "Name": "nightly", "Tags": {"team": "data"}, "RequestId": "r"})

    def vend(self, role: str) -> Json:
        """An answer in the shape of `aws sts assume-role`; each has a key id of its own."""
        expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.ahead + self.lifetime))
        return {
            "Credentials": {
                "AccessKeyId": f"ASIAEXAMPLE{len(self.asked)}",
                "SecretAccessKey": SECRET,
                "SessionToken": TOKEN,
                "Expiration": expiration,
            },
            "AssumedRoleUser": {
                "AssumedRoleId": "AROAEXAMPLE:token=nightly",
                "Arn": f"arn:aws:sts::111122223333:assumed-role/{role}/token=nightly",
            },
            "PackedPolicySize": 0,
            "SourceIdentity": "token=nightly",
            "Role": role,
            "RequestId": "request-1",
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def _serve(self) -> None:
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        with self.server.lock:
            service.asked.append(asked)
            planned = service.answer(asked)
        service.gate.wait(30)
        content = planned.body if isinstance(planned.body, bytes) else json.dumps(planned.body).encode()
        self.send_response_only(planned.status)
        given = {"Date": formatdate(time.time() + service.ahead, usegmt=True), **planned.headers}
        for name, value in {"Content-Length": str(len(content)), **given}.items():
            self.send_header(name, value)
        self.end_headers()
        if not planned.cut:
            self.wfile.write(content)

    do_GET = do_POST = do_CONNECT = _serve  # noqa: N815 so the base class finds them

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Many callers at once are what some tests are about.
    request_queue_size = 128
    service: FakeService
    lock: threading.Lock

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are nothing to print."""


@contextlib.contextmanager
def fake_service() -> Iterator[FakeService]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.service = FakeService(url=f"http://127.0.0.1:{server.server_address[1]}/api")
    server.service.gate.set()
    server.lock = threading.Lock()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.service
    finally:
        server.service.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
