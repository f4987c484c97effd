"""STS, DynamoDB and KMS behind one socket, in a process of their own so that their work is not counted:
`python -m bench.stub_sts DIRECTORY`.

It speaks TLS, with the key and certificate that `testing/certificate.py` made. Its port goes to standard output;
it ends with standard input.
"""

import sys
from pathlib import Path
from typing import Final

from bench.configurations import ACCOUNT
from testing.kms_server import Key, KmsServer
from testing.loopback import Request, Response, json_response, serve
from testing.sts_server import StsServer

ALIAS: Final = "alias/credvend-bench-signing"


# What leases are made of.
_BEFORE: Final = {
    "Action": "AssumeRole",
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/team/role-0",
    "RoleSessionName": f"user=user-0@{ACCOUNT}",
    "SourceIdentity": f"user=user-0@{ACCOUNT}",
}


def answer(request: Request) -> Response | None:
    """The answer of an STS that was never asked before: nothing that it remembers may grow.

    Of DynamoDB, one to whom every condition holds, and who remembers nothing at all.
    """
    target = request.headers.get("X-Amz-Target", "")
    if target.startswith("TrentService."):
        return KmsServer({ALIAS: Key(1)}).respond(request)
    if target:
        return json_response({}, 200, "application/x-amz-json-1.0")
    return StsServer(asked=[_BEFORE]).respond(request)


def main(directory: Path) -> None:
    with serve(answer, directory / "private.pem") as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
