"""The use cases, each one function to read from top to bottom."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, assert_never

from chalicelib.admission.admission import Admission, Admitted, Asked, SharedRevoked
from chalicelib.audit import fields as audit
from chalicelib.audit.log import AuditLog, EventName
from chalicelib.callers.api_tokens.token import looks_like_api_token
from chalicelib.callers.bearer import bearer_token, refuse_bearer
from chalicelib.callers.caller import Caller
from chalicelib.callers.origin import Origin
from chalicelib.callers.session_name import session_name
from chalicelib.callers.sigv4 import identify_caller
from chalicelib.configuration.configuration import Configuration
from chalicelib.deciding import decide_vend
from chalicelib.errors import (
    AccessDenied,
    AuditFailed,
    CredvendError,
    InternalError,
    InvalidRequest,
    KeysUnavailable,
    LedgerUnavailable,
    NotThroughApi,
    OutOfTime,
)
from chalicelib.operators_log import tell_of_unforeseen, tell_operators
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.issuing import Issuing, Occasion
from chalicelib.sessions.plan import SessionPlan, plan_session
from chalicelib.sessions.sharing import Shared, SharedSessions
from chalicelib.sessions.sts import Session
from chalicelib.sessions.sts_failures import StsFailure
from chalicelib.wire import rendering
from chalicelib.wire.formats.negotiation import choose_format
from chalicelib.wire.incoming import Incoming
from chalicelib.wire.public_document import PublicDocument
from chalicelib.wire.query import refuse_query, requested_format
from chalicelib.wire.rendering import Json
from chalicelib.wire.roles_query import parse_roles_query
from chalicelib.wire.text_answer import Text
from chalicelib.wire.vend_request import parse_vend_query, parse_vend_request

if TYPE_CHECKING:
    from chalicelib.callers.api_tokens.store import TokenStore
    from chalicelib.own_sessions import OwnSessions
    from chalicelib.signing.issuer_url import Api
    from chalicelib.signing.keys import KeyRing, SigningKey

Renderer = Callable[[SessionPlan, Session, str], Json | Text]


class Read(NamedTuple):
    """What was read of a vend.

    Attributes:
        format: in which it is answered, as policies call it.
    """

    request: VendRequest
    format: str
    render: Renderer


class Service(NamedTuple):
    """Everything that is set up once for an execution environment.

    Attributes:
        configuration: the one that is in force; each request asks once, and goes by what it was told to its end.
        token_store: made for the first API token.
        admission: what is asked and written before STS is asked, and after it.
        issuing: asks STS.
        sharing: of sessions among identical requests, where that is switched on.
        own_sessions: made for the first who asks for theirs.
        signing: the issuer of credvend's tokens, by the API that a request came through, and its keys; raises where it
            signs none.
    """

    configuration: Callable[[], Configuration]
    token_store: Callable[[], "TokenStore"]
    admission: Admission
    sharing: SharedSessions
    audit_log: AuditLog
    issuing: Issuing
    own_sessions: Callable[[], "OwnSessions"]
    signing: "Callable[[Api | None], tuple[str, KeyRing]]"

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

    def _vend(self, incoming: Incoming, read: Callable[[Incoming], Read]) -> Json | Text:
        """Who, what, which role, may they, with which plan; record, ask STS, record, answer."""
        request_id = incoming.origin.request_id
        configuration = self.configuration()
        known = audit.first_fields(configuration.digest, incoming.origin)
        try:
            caller = self._identify(incoming, configuration)
            known |= audit.caller_fields(caller)
            address = _source_address(incoming.origin)
            request, form, render = read(incoming)
            known |= audit.request_fields(request, form)
            decided = decide_vend(configuration, caller, request, form, address, datetime.now(UTC))
            role, decision = decided.role, decided.decision
            known |= audit.decision_fields(decision, decided.time, decided.near)
            if decided.audited is not None:
                known |= audit.audit_mode_fields(decided.audited)
            if role is None or not decision.allowed:
                raise AccessDenied
            plan = plan_session(caller, request, role, request_id)
            shared = None if request.dry_run else self.sharing.find(caller, request, plan)
            admitted, shared = self._admit(Asked(request_id, caller, request, plan), shared, incoming)
            plan = plan if shared is None else shared.plan
            known |= audit.plan_fields(plan) | audit.counted_fields(() if admitted is None else admitted.live_in)
        except BaseException as error:  # not Exception: a panic of Cedar's engine, which is written in Rust, is none
            raise self._refused(error, "credentials.denied", known) from None
        try:
            self.audit_log.write("credentials.requested", known)
            if admitted is None:
                return rendering.render_explanation(plan, decision, request_id)
            session = self._issue(plan, request, incoming) if shared is None else shared.session
            known |= audit.session_fields(session)
            if shared is not None:
                known |= {"shared_with": shared.request_id}
            answer = render(plan, session, request_id)
            self.admission.vended(admitted, session)
        except BaseException as error:
            raise self._failed(error, known, admitted) from None
        self.audit_log.write("credentials.vended", known)
        if shared is None:
            self.sharing.keep(request_id, caller, request, plan, session)
        return answer

    def list_roles(self, incoming: Incoming) -> Json:
        """GET roles: those that the caller may assume now; of one account, if the query names it.

        Raises:
            CredvendError: the caller is not served, or the audit record could not be written.
        """

        known: audit.Fields = {}

        def read(configuration: Configuration, caller: Caller, address: str) -> Json:
            account = parse_roles_query(incoming.query)
            known.update(audit.listed_roles_fields(account))
            catalog, now = configuration.catalog, datetime.now(UTC)
            roles = catalog.roles if account is None else catalog.roles_in(account)
            permitted = configuration.authorizer.permitted(caller, roles, address, now)
            return rendering.render_roles(permitted, incoming.origin.request_id)

        return self._read(incoming, "roles.listed", read, known, reads_query=True)

    def describe_caller(self, incoming: Incoming) -> Json:
        """GET whoami: the caller as the service sees it.

        Raises:
            CredvendError: the caller is not served, or the audit record could not be written.
        """

        def read(_configuration: Configuration, caller: Caller, _address: str) -> Json:
            return rendering.render_caller(caller, session_name(caller), incoming.origin.request_id)

        return self._read(incoming, "caller.described", read)

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

        def read(configuration: Configuration, _caller: Caller, _address: str) -> Json:
            return {"Status": "ok", "Configuration": configuration.digest}

        return self._read(incoming, "health.reported", read)

    def describe_issuer(self, incoming: Incoming) -> PublicDocument:
        """GET .well-known/openid-configuration: who issues the tokens that STS is given, and where the keys are.

        Raises:
            CredvendError: there are none, or they cannot be told.
        """
        refuse_query(incoming.query.keys())
        from chalicelib.signing.documents import configuration_document

        issuer, keys = self.signing(incoming.api)
        return PublicDocument(configuration_document(issuer, [key.algorithm for key in _published(keys)]))

    def list_keys(self, incoming: Incoming) -> PublicDocument:
        """GET .well-known/jwks.json: the keys that those tokens are checked with.

        Raises:
            CredvendError: there are none, or they cannot be told.
        """
        refuse_query(incoming.query.keys())
        from chalicelib.signing.documents import keys_document

        _, keys = self.signing(incoming.api)
        return PublicDocument(keys_document(_published(keys)))

    def list_sessions(self, incoming: Incoming) -> Json:
        """GET sessions: those that the caller has had.

        Raises:
            CredvendError: the caller is not served, there is no list, or the audit record could not be written.
        """
        known: audit.Fields = {}

        def read(_configuration: Configuration, caller: Caller, _address: str) -> Json:
            from chalicelib.wire.own_sessions import parse_sessions_query, render_sessions  # no vend needs them

            own = self.own_sessions()
            asked = parse_sessions_query(incoming.query, own.keep_seconds)
            sessions, left_out, now = own.listed(caller, *asked)
            known.update(audit.listed_fields(asked.since_seconds, asked.live, len(sessions), left_out))
            return render_sessions(sessions, left_out, now, incoming.origin.request_id)

        return self._read(incoming, "sessions.listed", read, known, reads_query=True)

    def read_session(self, incoming: Incoming) -> Json:
        """GET sessions/ID: one that the caller has had.

        Raises:
            CredvendError: there is none, the caller is not served, or the audit record could not be written.
        """
        known = audit.asked_session_fields(incoming.session or "")

        def read(_configuration: Configuration, caller: Caller, _address: str) -> Json:
            from chalicelib.wire.own_sessions import render_one_session

            session, now = self.own_sessions().one(caller, incoming.session or "")
            known.update(audit.own_session_fields(session))
            return render_one_session(session, now, incoming.origin.request_id)

        return self._read(incoming, "session.read", read, known)

    def revoke_session(self, incoming: Incoming) -> Json:
        """POST sessions/ID/revoke: have a session end that the caller has had. No policy is asked, and no block.

        It is written down first, and recorded then: a log that fails keeps nobody from giving up a right.

        Raises:
            CredvendError: it is not ended, or that could not be recorded.
        """
        known = audit.asked_session_fields(incoming.session or "")

        def revoke(configuration: Configuration, caller: Caller, _address: str) -> Json:
            from chalicelib.wire.own_sessions import parse_revocation, render_one_session

            reason = parse_revocation(incoming.body, incoming.content_type)
            known.update({"reason": reason})
            own = self.own_sessions()
            roles_there = configuration.catalog.roles
            session, roles, now = own.revoke(caller, incoming.session or "", reason, roles_there, incoming.seconds_left)
            known.update(audit.own_session_fields(session) | audit.revocation_fields(roles))
            return render_one_session(session, now, incoming.origin.request_id)

        return self._read(incoming, "revocation.requested", revoke, known, refusal="revocation.refused")

    def _identify(self, incoming: Incoming, configuration: Configuration) -> Caller:
        match incoming.authentication:
            case "sigv4":
                refuse_bearer(incoming.authorization)
                return identify_caller(incoming.identity)
            case "bearer":
                return self._identify_bearer(incoming, configuration)
            case _:
                assert_never(incoming.authentication)

    def _identify_bearer(self, incoming: Incoming, configuration: Configuration) -> Caller:
        # A path that names a role is one that SDKs call, and they know of no scheme.
        token = bearer_token(incoming.authorization, bare=incoming.role is not None)
        if looks_like_api_token(token):
            return self.token_store().token_of(token, _source_address(incoming.origin)).holder
        from chalicelib.callers.oidc.verify import verify_token  # its cryptography is slow to import; SigV4 needs none

        return verify_token(token, configuration.trusted_issuers())

    def _admit(self, asked: Asked, shared: Shared | None, incoming: Incoming) -> tuple[Admitted | None, Shared | None]:
        """The last step before STS, so that nothing but a vend takes from a quota, or uses up a token.

        Args:
            shared: the session that is to be shared.

        Returns:
            What was written; None of a dry run. And the session that is shared, unless somebody wants it to end.

        Raises:
            OutOfTime: so late that STS could not be asked any more.
            CredvendError: the vend may not go on.
        """
        if asked.request.dry_run:
            return None, None
        worst = self.admission.worst_seconds(asked.caller) + self.issuing.worst_seconds(asked.plan)
        if incoming.seconds_left() < worst:
            raise OutOfTime
        if shared is None:
            return self.admission.admit(asked), None
        try:
            return self.admission.admit(asked._replace(plan=shared.plan, shared_with=shared.request_id)), shared
        except SharedRevoked:
            self.sharing.forget()
            return self._admit(asked, None, incoming)

    def _issue(self, plan: SessionPlan, request: VendRequest, incoming: Incoming) -> Session:
        """The session, of which CloudTrail may show what it is for."""
        request_id = incoming.origin.request_id
        description = request_id if request.reason is None else f"{request_id} {request.reason}"
        return self.issuing.issue(plan, Occasion(description, incoming.seconds_left, incoming.api))

    def _read(
        self,
        incoming: Incoming,
        event: EventName,
        read: Callable[[Configuration, Caller, str], Json],
        more: audit.Fields | None = None,
        refusal: EventName = "read.denied",
        reads_query: bool = False,
    ) -> Json:
        """Who asks; do it, record, answer. `read` is told the caller, and where it is.

        Args:
            more: what the record holds besides; `read` may add to it.
            refusal: the event of a request that is turned away.
            reads_query: `read` reads the query; else there must be none.
        """
        configuration = self.configuration()
        known = audit.first_fields(configuration.digest, incoming.origin)
        more = {} if more is None else more
        try:
            caller = self._identify(incoming, configuration)
            known |= audit.caller_fields(caller)
            address = _source_address(incoming.origin)
            if not reads_query:
                refuse_query(incoming.query.keys())
            answer = read(configuration, caller, address)
        except BaseException as error:
            raise self._refused(error, refusal, known | more) from None
        self.audit_log.write(event, known | more)
        return answer

    def _refused(self, error: BaseException, refusal: EventName, known: audit.Fields) -> BaseException:
        """Record why nothing is answered, and nothing was asked of STS. Returned is what to raise."""
        if isinstance(error, CredvendError):
            self.audit_log.write(audit.refusal_event(error, known, refusal), known | audit.refusal_fields(error))
            return error
        return self._unforeseen("request.failed", error, known)

    def _failed(self, error: BaseException, known: audit.Fields, admitted: Admitted | None) -> BaseException:
        """Record why what was requested is not vended. Returned is what to raise."""
        if isinstance(error, AuditFailed):
            self._note_failure(admitted, error.code)
            return error
        if isinstance(error, LedgerUnavailable):  # nor can that be noted there
            self.audit_log.write("credentials.failed", known | audit.refusal_fields(error))
            return error
        if isinstance(error, StsFailure):
            self.audit_log.write("credentials.failed", known | audit.failure_fields(error))
            self._note_failure(admitted, error.cause)
            return error.answer
        answer = self._unforeseen("credentials.failed", error, known)
        self._note_failure(admitted, "unforeseen")
        return answer

    def _note_failure(self, admitted: Admitted | None, cause: str) -> None:
        if admitted is not None:
            self.admission.failed(admitted, cause)

    def _unforeseen(self, event: EventName, error: BaseException, known: audit.Fields) -> BaseException:
        tell_of_unforeseen(error, str(known["request_id"]))
        answer = InternalError()
        self.audit_log.write(event, known | audit.unforeseen_fields(error, answer))
        return error if isinstance(error, KeyboardInterrupt | SystemExit) else answer

    def record_unforeseen(self, origin: Origin, error: Exception) -> BaseException:
        """Record an error outside of the use cases, for which nothing is answered. Returned is what to raise.

        Raises:
            AuditFailed: it could not be recorded.
        """
        digest = None
        with suppress(Exception):  # it may be the very error
            digest = self.configuration().digest
        return self._unforeseen("request.failed", error, audit.first_fields(digest, origin))


def _source_address(origin: Origin) -> str:
    """Where the request came from.

    Raises:
        NotThroughApi: that is not known.
    """
    if origin.source_ip is None:
        raise NotThroughApi
    return origin.source_ip


def _published(keys: "KeyRing") -> "tuple[SigningKey, ...]":
    """The keys that tokens may be checked with.

    Raises:
        KeysUnavailable: KMS does not tell them.
    """
    from chalicelib.signing.keys import SigningFailed

    try:
        return keys.published()
    except SigningFailed as error:
        tell_operators("the public keys could not be read: %s", error.problem)
        raise KeysUnavailable from None


def _read_body(incoming: Incoming) -> Read:
    """What a POST asks for, and in which form."""
    chosen = choose_format(requested_format(incoming.query), incoming.accept)
    request = parse_vend_request(incoming.body, incoming.content_type)
    write = chosen.format.write
    name = chosen.format.name
    if write is None:
        return Read(request, name, rendering.render_session)
    if request.dry_run:
        raise InvalidRequest("A dry run vends nothing, and is answered in the format json only.")
    return Read(request, name, lambda plan, session, _: Text(chosen.media_type, write(plan, session.credentials)))


def _read_path(incoming: Incoming) -> Read:
    """What a GET asks for; there is one form."""
    request = parse_vend_query(incoming.role or "", incoming.query)
    return Read(request, "container", rendering.render_container_credentials)
