"""What AWS refuses with, in the form of each protocol."""

import json
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

Answer = tuple[int, dict[str, str], bytes]
SPACES: Final = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
}
_REQUEST_ID: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer of AWS."""

    code: str
    message: str
    status: int = 400


def answer(refusal: Refusal, service: str) -> Answer:
    """As status, headers and body, in the service's protocol.

    https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization and its neighbours.
    """
    code, message = escape(refusal.code), escape(refusal.message)
    if service in SPACES:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f'<ErrorResponse xmlns="{SPACES[service]}">{error}<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>'
        return refusal.status, {"Content-Type": "text/xml"}, body.encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": refusal.code}
    body = json.dumps({"__type": refusal.code, "message": refusal.message})
    return refusal.status, headers, body.encode()
