"""The HTTP edge: from Chalice's request to a use case, and from its result or error to a response."""

import itertools
import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from chalice.app import Request, Response

from chalicelib.callers.origin import Origin, source_address
from chalicelib.errors import CredvendError
from chalicelib.signing.issuer_url import Api
from chalicelib.wire.formats.format import JSON
from chalicelib.wire.formats.negotiation import wants_script
from chalicelib.wire.incoming import Incoming
from chalicelib.wire.no_script import no_script
from chalicelib.wire.public_document import CACHED_SECONDS, PublicDocument
from chalicelib.wire.query import Query
from chalicelib.wire.rendering import Json, render_error
from chalicelib.wire.text_answer import Text

# The stage of calls with the console's "Test" and with API Gateway's TestInvokeMethod, which do not come in through the
# API's URL: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-test-method.html
_TEST_STAGE = "test-invoke-stage"
_HEADERS: Final = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


Answer = Json | Text | PublicDocument


class HttpEdge:
    """Answers requests. Counts them, to tell the first one of an execution environment from the rest."""

    def __init__(self, record_unforeseen: Callable[[Origin, Exception], BaseException]) -> None:
        """Nothing is answered yet.

        Args:
            record_unforeseen: records an error outside of the use cases, and returns what to raise.
        """
        self._record_unforeseen = record_unforeseen
        self._served = itertools.count()

    def answer(self, request: Request | None, use_case: Callable[[Incoming], Answer]) -> Response:
        """Run a use case. Nothing but public documents is cached, no answer holds a stack trace; errors are JSON."""
        assert request is not None  # noqa: S101 Chalice sets it before it calls a route
        origin: Origin | None = None
        try:
            try:
                origin = _origin(request, cold_start=next(self._served) == 0)
                return _response(200, use_case(_incoming(request, origin)))
            except CredvendError:  # recorded by the use case
                raise
            except Exception as error:
                origin = origin or _unknown_origin(request)
                raise self._record_unforeseen(origin, error) from None
        except CredvendError as error:
            return _error_response(request, origin or _unknown_origin(request), error)


def _origin(request: Request, cold_start: bool) -> Origin:
    context = request.context
    identity: Mapping[str, object] = context.get("identity") or {}
    gateway_request_id = str(context.get("requestId") or "")
    return Origin(
        request_id=_invocation(request) or gateway_request_id,
        gateway_request_id=gateway_request_id,
        source_ip=None if context.get("stage") == _TEST_STAGE else source_address(identity.get("sourceIp")),
        user_agent=str(identity.get("userAgent") or ""),
        cold_start=cold_start,
    )


def _unknown_origin(request: Request) -> Origin:
    """Of a request that does not tell it, and that has to be found all the same."""
    return Origin(_invocation(request) or "", "", source_ip=None, user_agent="", cold_start=False)


def _invocation(request: Request) -> str | None:
    """Lambda's id: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html; None where no Lambda runs it."""
    context = request.lambda_context
    return None if context is None else str(context.aws_request_id)


def _incoming(request: Request, origin: Origin) -> Incoming:
    context = request.context
    return Incoming(
        authentication="sigv4" if str(context.get("resourcePath", "")).startswith("/v1/iam/") else "bearer",
        identity=context.get("identity") or {},
        origin=origin,
        authorization=_header(request, "authorization"),
        role=(request.uri_params or {}).get("role"),
        query=_query(request),
        body=_body(request),
        content_type=request.headers.get("content-type"),
        accept=_accept(request),
        seconds_left=partial(_seconds_left, request),
        session=(request.uri_params or {}).get("session"),
        api=_api(context),
    )


def _api(context: Mapping[str, object]) -> Api | None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html"""
    api, stage = context.get("apiId"), context.get("stage")
    return Api(api, stage) if isinstance(api, str) and isinstance(stage, str) and api and stage else None


def _seconds_left(request: Request) -> float:
    """Until Lambda ends the request: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""
    context = request.lambda_context
    return math.inf if context is None else context.get_remaining_time_in_millis() / 1000


def _header(request: Request, name: str) -> tuple[str, ...]:
    """The values of all headers of that name, of which Chalice would show the last."""
    several = request.to_original_event().get("multiValueHeaders") or {}
    listed = [values or [] for written, values in several.items() if written.lower() == name]
    values = [str(value) for some in listed for value in some]
    single = request.headers.get(name)
    return tuple(values) if values or single is None else (single,)


def _accept(request: Request) -> str | None:
    return ", ".join(_header(request, "accept")) or None


def _query(request: Request) -> Query:
    several = request.query_params
    return {} if several is None else {name: tuple(several.getlist(name)) for name in several}


def _error_response(request: Request, origin: Origin, error: CredvendError) -> Response:
    try:
        for_eval = wants_script(_query(request).get("format", ()), _accept(request))
    except Exception:  # that it cannot be read may be the very error
        for_eval = True
    body = Text(JSON, no_script(render_error(error.code, error.message, origin.request_id), for_eval))
    return _response(error.status, body, error.retry_after, error.challenge)


def _body(request: Request) -> bytes:
    try:
        body = request.raw_body
    except ValueError:  # half of a surrogate pair, or not the base64 that the event says it is
        return b"\xff"  # which the use case refuses, with a record, as what it is: not UTF-8
    return body.encode() if isinstance(body, str) else body


def _response(status: int, body: Answer, retry_after: int | None = None, challenge: str | None = None) -> Response:
    headers: dict[str, str | list[str]] = dict(_HEADERS)
    if isinstance(body, Text):
        charset = "; charset=utf-8" if body.media_type.startswith("text/") else ""
        headers["Content-Type"] = body.media_type + charset
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if challenge is not None:
        headers["WWW-Authenticate"] = challenge
    if isinstance(body, PublicDocument):
        headers["Cache-Control"] = f"public, max-age={CACHED_SECONDS}"
        body = dict(body.content)
    text = body.text if isinstance(body, Text) else json.dumps(body, separators=(",", ":"))
    return Response(body=text, status_code=status, headers=headers)
