"""An STS on loopback that answers as it is told, and remembers what it was asked."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local.strict.protocols import read_query
from local.strict.sts_rules import check_assume_role

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN//////////"
REQUEST_ID = "c6104cbe-af31-11e0-8154-cbc7ccf896c7"
_SPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


@dataclass(frozen=True)
class Refusal:
    """An error answer of STS."""

    code: str
    message: str = "no"
    status: int = 403


@dataclass
class StsServer:
    """What STS was asked, and what it will answer.

    Attributes:
        asked: the parameters of each call.
        refusals: answers to the next calls; once they are used up, sessions are given.
        connections: how many were opened.
        silent: answer nothing at all.
    """

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    connections: int = 0
    silent: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)

    def hang_up(self) -> None:
        """Close all connections, as AWS does with those that were idle for long."""
        while self._open:
            self._open.pop().shutdown(socket.SHUT_RDWR)

    def answer(self, body: bytes) -> tuple[int, str]:
        parameters = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        self.asked.append(parameters)
        refusal: Refusal | None
        if self.refusals:
            refusal = self.refusals.pop(0)
        else:
            asked = read_query("sts", body, {})
            # A function is always a session of its role: what it asks for is chained.
            refused = None if asked is None else check_assume_role(asked.members, chained=True, maximum=None)
            refusal = None if refused is None else Refusal(refused.code, refused.message, refused.status)
        if refusal is not None:
            error = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
            ending = f"<RequestId>{REQUEST_ID}</RequestId>"
            return refusal.status, f'<ErrorResponse xmlns="{_SPACE}"><Error>{error}</Error>{ending}</ErrorResponse>'
        return 200, _session(parameters)


def _session(asked: dict[str, str]) -> str:
    expiration = datetime.now(UTC) + timedelta(seconds=int(asked["DurationSeconds"]))
    _, _, _, _, account, role = asked["RoleArn"].split(":")
    arn = f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{asked['RoleSessionName']}"
    source = f"<SourceIdentity>{asked['SourceIdentity']}</SourceIdentity>" if "SourceIdentity" in asked else ""
    return f"""<AssumeRoleResponse xmlns="{_SPACE}"><AssumeRoleResult>
      <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{asked["RoleSessionName"]}</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>
      <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
        <SessionToken>{TOKEN}</SessionToken><Expiration>{expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
      <PackedPolicySize>6</PackedPolicySize>{source}
      </AssumeRoleResult><ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></AssumeRoleResponse>"""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body of an answer are two packets, and the second must not wait

    def setup(self) -> None:
        super().setup()
        self.sts.connections += 1
        self.sts._open.append(self.request)

    @property
    def sts(self) -> StsServer:
        return cast(_Server, self.server).sts

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.sts.silent:
            self.sts.stopping.wait()
            return
        status, text = self.sts.answer(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sts: StsServer


@contextmanager
def sts_server() -> Iterator[StsServer]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.sts = StsServer(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.sts
    finally:
        server.sts.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
