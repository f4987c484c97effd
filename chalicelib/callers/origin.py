"""Where did a request come from?"""

import ipaddress
from typing import NamedTuple


class Origin(NamedTuple):
    """Where a request came from, as API Gateway saw it.

    Attributes:
        request_id: Lambda's id of the invocation, which nobody else can choose; also told to the caller.
        gateway_request_id: API Gateway's, in the answer's header `x-amzn-RequestId`. The caller may choose it:
            https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-access-logging.html
        source_ip: address of the caller, or None if the request did not come in through the API's URL.
        user_agent: what the client calls itself; not verified.
        cold_start: this is the first request of the execution environment.
    """

    request_id: str
    gateway_request_id: str
    source_ip: str | None
    user_agent: str
    cold_start: bool


def source_address(value: object) -> str | None:
    """An address in one spelling; None: it is none, and what comes from there is refused."""
    try:
        address = ipaddress.ip_address(str(value).partition("%")[0])
    except ValueError:
        return None
    # An IPv4 address in the clothes of IPv6 must not slip through a policy about IPv4 addresses.
    return str(getattr(address, "ipv4_mapped", None) or address)
