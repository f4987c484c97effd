"""Where did a request come from?"""

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
