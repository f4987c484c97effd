"""A request, taken out of its HTTP wrapping."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from chalicelib.callers.origin import Origin
from chalicelib.signing.issuer_url import Api
from chalicelib.wire.query import Query

Authentication = Literal["sigv4", "bearer"]


class Incoming(NamedTuple):
    """What the use cases read of a request.

    Attributes:
        authentication: how the caller proves who it is: by a SigV4 signature, which API Gateway has checked, or by a
            bearer token, which we check.
        identity: API Gateway's verified `requestContext.identity`.
        authorization: the values of all `Authorization` headers.
        role: the role that the path names, where it names one.
        session: the session that the path names, where it names one.
        query: the query parameters, each with all its values.
        content_type, accept: the headers of these names, or None.
        seconds_left: until Lambda ends the request.
        api: that the request came through; None: it says none.
    """

    authentication: Authentication
    identity: Mapping[str, object]
    origin: Origin
    authorization: tuple[str, ...] = ()
    role: str | None = None
    query: Query = MappingProxyType({})
    body: bytes = b""
    content_type: str | None = None
    accept: str | None = None
    seconds_left: Callable[[], float] = lambda: math.inf
    session: str | None = None
    api: Api | None = None
