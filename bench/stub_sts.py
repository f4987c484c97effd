"""STS and DynamoDB behind one socket, in a process of their own so that their work is not counted:
`python -m bench.stub_sts DIRECTORY`.

It speaks TLS, with the key and certificate that `testing/certificate.py` made. Its port goes to standard output;
it ends with standard input.
"""

import sys
from pathlib import Path

from testing.loopback import Request, Response, json_response, serve
from testing.sts_server import StsServer


def answer(request: Request) -> Response | None:
    """The answer of an STS that was never asked before: nothing that it remembers may grow.

    Of DynamoDB, one to whom every condition holds, and who remembers nothing at all.
    """
    if "X-Amz-Target" in request.headers:
        return json_response({}, 200, "application/x-amz-json-1.0")
    return StsServer().respond(request)


def main(directory: Path) -> None:
    with serve(answer, directory / "private.pem") as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
