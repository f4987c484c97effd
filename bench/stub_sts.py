"""STS behind a socket, in a process of its own so that its work is not counted: `python -m bench.stub_sts DIRECTORY`.

It speaks TLS, with the key and certificate that `testing/certificate.py` made. Its port goes to standard output;
it ends with standard input.
"""

import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from testing.sts_server import StsServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body of an answer in one packet

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = StsServer().answer(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request: object, client_address: object) -> None:
        # In the connection's own thread: a handshake must not keep others waiting.
        _Handler(self.context.wrap_socket(request, server_side=True), client_address, self)  # type: ignore[arg-type]

    context: ssl.SSLContext


def main(directory: Path) -> None:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(directory / "private.pem")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
