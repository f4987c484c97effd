"""The use cases, each one function to read from top to bottom, and how the service is put together."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from chalicelib.audit import log as audit
from chalicelib.audit.log import AuditLog, Origin
from chalicelib.callers.api_tokens.token import looks_like_api_token
from chalicelib.callers.bearer import bearer_token, refuse_bearer
from chalicelib.callers.session_name import session_name
from chalicelib.callers.sigv4 import Caller, ServiceToken, identify_caller
from chalicelib.configuration.configuration import load_configuration
from chalicelib.configuration.settings import Settings
from chalicelib.decisions.authorizer import Authorizer, Circumstances, Decision
from chalicelib.errors import (
    AccessDenied,
    CredvendError,
    InvalidRequest,
    InvalidToken,
    NotThroughApi,
    OutOfTime,
)
from chalicelib.roles.role import Catalog, Role
from chalicelib.sessions.plan import SessionPlan, plan_session, requested_duration
from chalicelib.sessions.sts import WORST_SECONDS, Session, assume_role, sts_client
from chalicelib.sessions.sts_failures import StsFailure
from chalicelib.wire import rendering
from chalicelib.wire.formats import Text, choose_format, render_credentials
from chalicelib.wire.rendering import Json
from chalicelib.wire.vend_request import (
    Query,
    VendRequest,
    parse_vend_query,
    parse_vend_request,
    refuse_query,
    requested_format,
)

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

    from chalicelib.callers.api_tokens.store import StoredToken, TokenStore
    from chalicelib.callers.oidc.issuer_keys import TrustedIssuer

CONFIG = Path(__file__).parent / "config"
Renderer = Callable[[SessionPlan, Session, str], Json | Text]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request, taken out of its HTTP wrapping.

    Attributes:
        door: how the caller proves who it is: SigV4, checked by API Gateway, or a bearer token, checked by us.
        identity: API Gateway's verified `requestContext.identity`.
        authorization: the values of all `Authorization` headers.
        role: the role that the path names, where it names one.
        query: the query parameters, each with all its values.
        content_type, accept: the headers of these names, or None.
        seconds_left: until Lambda ends the request.
    """

    door: Literal["iam", "bearer"]
    identity: Mapping[str, object]
    origin: Origin
    authorization: tuple[str, ...] = ()
    role: str | None = None
    query: Query = field(default_factory=dict)
    body: bytes = b""
    content_type: str | None = None
    accept: str | None = None
    seconds_left: Callable[[], float] = lambda: math.inf


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is set up once for an execution environment.

    Attributes:
        configuration: digest of the configuration.
    """

    catalog: Catalog
    authorizer: Authorizer
    trusted_issuers: "Callable[[], Mapping[str, TrustedIssuer]]"
    token_store: Callable[[], "TokenStore"]
    audit_log: AuditLog
    sts: "STSClient"
    configuration: str

    def vend(self, incoming: Incoming) -> Json | Text:
        """POST credentials: those of a role, in the form that the client wants.

        Raises:
            CredvendError: anything but success; nothing was vended.
        """
        return self._vend(incoming, _read_body)

    def vend_to_sdk(self, incoming: Incoming) -> Json | Text:
        """GET credentials/ROLE: the container-credentials protocol of AWS's SDKs.

        Raises:
            CredvendError: anything but success; nothing was vended.
        """
        return self._vend(incoming, _read_path)

    def _vend(self, incoming: Incoming, read: Callable[[Incoming], tuple[VendRequest, Renderer]]) -> Json | Text:
        """Who, what, which role, may they, with which plan; record, ask STS, record, answer."""
        request_id = incoming.origin.request_id
        known = audit.origin_fields(incoming.origin)
        try:
            caller = self._identify(incoming)
            known |= audit.caller_fields(caller)
            address = _source_address(incoming.origin)
            request, render = read(incoming)
            known |= audit.request_fields(request)
            role, decision = self._decide(caller, request, address)
            known |= audit.decision_fields(decision)
            if role is None or not decision.allowed:
                raise AccessDenied
            plan = plan_session(caller, request, role, request_id)
            if not request.dry_run and incoming.seconds_left() < WORST_SECONDS:
                raise OutOfTime
        except CredvendError as refusal:
            event = audit.refusal_event(refusal, "credentials.denied")
            self.audit_log.write(event, known | audit.refusal_fields(refusal))
            raise
        known |= audit.plan_fields(plan)
        self.audit_log.write("credentials.requested", known)
        if request.dry_run:
            return rendering.render_explanation(plan, decision, request_id)
        try:
            session = assume_role(self.sts, plan)
        except StsFailure as failure:
            self.audit_log.write("credentials.failed", known | audit.failure_fields(failure))
            raise failure.answer from None
        self.audit_log.write("credentials.vended", known | audit.session_fields(session))
        return render(plan, session, request_id)

    def list_roles(self, incoming: Incoming) -> Json:
        """GET roles: those that the caller may assume now.

        Raises:
            CredvendError: the caller is not served, or the audit record could not be written.
        """
        caller, known = self._identify_reader(incoming)
        now = datetime.now(UTC)
        address = _source_address(incoming.origin)
        permitted = self.authorizer.permitted(caller, self.catalog.roles, address, now)
        self.audit_log.write("roles.listed", known)
        return rendering.render_roles(permitted, incoming.origin.request_id)

    def describe_caller(self, incoming: Incoming) -> Json:
        """GET whoami: the caller as the service sees it.

        Raises:
            CredvendError: the caller is not served, or the audit record could not be written.
        """
        caller, known = self._identify_reader(incoming)
        self.audit_log.write("caller.described", known)
        return rendering.render_caller(caller, session_name(caller), incoming.origin.request_id)

    def report_health(self, incoming: Incoming) -> Json:
        """GET health: reached at all, the configuration is valid, for a service with an invalid one does not start.

        Raises:
            InvalidRequest: a query parameter.
        """
        refuse_query(incoming.query.keys())
        return {"Status": "ok"}

    def report_configuration(self, incoming: Incoming) -> Json:
        """GET health of callers who sign: as above, and which configuration it is.

        Raises:
            CredvendError: the caller is not served, or the audit record could not be written.
        """
        _, known = self._identify_reader(incoming)
        self.audit_log.write("health.reported", known)
        return {"Status": "ok", "Configuration": self.configuration}

    def _identify(self, incoming: Incoming) -> Caller:
        if incoming.door == "iam":
            refuse_bearer(incoming.authorization)
            return identify_caller(incoming.identity)
        # A path that names a role is one that SDKs call, and they know of no scheme.
        token = bearer_token(incoming.authorization, bare=incoming.role is not None)
        if looks_like_api_token(token):
            return _holder_of(self.token_store().find(token, _source_address(incoming.origin)))
        from chalicelib.callers.oidc.verify import (
            verify_token,  # its cryptography is slow to import, and SigV4 callers need none
        )

        return verify_token(token, self.trusted_issuers())

    def _identify_reader(self, incoming: Incoming) -> tuple[Caller, dict[str, object]]:
        """Who reads, and what is recorded of it."""
        known = audit.origin_fields(incoming.origin)
        try:
            caller = self._identify(incoming)
            known |= audit.caller_fields(caller)
            _source_address(incoming.origin)
            refuse_query(incoming.query.keys())
        except CredvendError as refusal:
            self.audit_log.write(audit.refusal_event(refusal, "read.denied"), known | audit.refusal_fields(refusal))
            raise
        return caller, known

    def _decide(self, caller: Caller, request: VendRequest, address: str) -> tuple[Role | None, Decision]:
        role = self.catalog.find(request.role)
        asked_about = role or self.catalog.stand_in(request.role)
        circumstances = Circumstances(
            duration=requested_duration(request, asked_about),
            source_ip=address,
            has_reason=request.reason is not None,
            time=datetime.now(UTC),
        )
        decision = self.authorizer.decide(caller, asked_about, circumstances)
        return (role, decision) if role else (None, Decision(allowed=False))


def _source_address(origin: Origin) -> str:
    """Where the request came from.

    Raises:
        NotThroughApi: that is not known.
    """
    if origin.source_ip is None:
        raise NotThroughApi
    return origin.source_ip


def _read_body(incoming: Incoming) -> tuple[VendRequest, Renderer]:
    """What a POST asks for, and in which form."""
    chosen = choose_format(requested_format(incoming.query), incoming.accept)
    request = parse_vend_request(incoming.body, incoming.content_type)
    if chosen.name == "json":
        return request, rendering.render_session
    if request.dry_run:
        raise InvalidRequest("A dry run vends nothing, and is answered in the format json only.")
    return request, lambda plan, session, request_id: render_credentials(chosen, plan, session)


def _read_path(incoming: Incoming) -> tuple[VendRequest, Renderer]:
    """What a GET asks for; there is one form."""
    return parse_vend_query(incoming.role or "", incoming.query), rendering.render_container_credentials


def _holder_of(stored: "StoredToken") -> ServiceToken:
    return ServiceToken(stored.name, stored.owner, stored.tags, stored.id)


def _token_store(settings: Settings) -> "Callable[[], TokenStore]":
    """The store of API tokens, made for the first one that comes: its client is slow to set up."""

    @cache
    def store() -> "TokenStore":
        from chalicelib.callers.api_tokens.store import TokenStore, dynamodb_client

        if settings.tokens_table is None:
            raise InvalidToken("API tokens are not taken here.", "unknown_token")
        return TokenStore(settings.tokens_table, dynamodb_client(settings.region))

    return store


def load_service(config: Path, settings: Settings) -> Service:
    """Put the service together; with an invalid configuration it does not start.

    Raises:
        ConfigError: one line for every problem found.
    """
    configuration = load_configuration(config, settings)
    return Service(
        catalog=configuration.catalog,
        authorizer=configuration.authorizer,
        trusted_issuers=configuration.trusted_issuers,
        token_store=_token_store(settings),
        audit_log=AuditLog(configuration.digest),
        sts=sts_client(settings.region),
        configuration=configuration.digest,
    )
