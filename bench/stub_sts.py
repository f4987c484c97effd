"""STS behind a socket, in a process of its own so that its work is not counted: `python -m bench.stub_sts DIRECTORY`.

It speaks TLS, with the key and certificate that `testing/certificate.py` made. Its port goes to standard output;
it ends with standard input.
"""

import sys
from pathlib import Path

from testing.loopback import Request, Response, serve
from testing.sts_server import StsServer


def answer(request: Request) -> Response | None:
    """The answer of an STS that was never asked before: nothing that it remembers may grow."""
    return StsServer().respond(request)


def main(directory: Path) -> None:
    with serve(answer, directory / "private.pem") as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
