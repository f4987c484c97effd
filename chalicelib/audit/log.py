"""The audit log: one JSON line an event, and no credentials without one.

Powertools' Logger writes the line; what is special here is that a line that cannot be written is an error, where
logging by itself would swallow it. docs/audit.md lists every field.
"""

import json
import logging
import os
from dataclasses import dataclass
from typing import Final, Literal

from aws_lambda_powertools import Logger

from chalicelib.audit.standard_output import StandardOutput
from chalicelib.callers.sigv4 import Caller, IamRoleSession, OidcSubject, ServiceToken
from chalicelib.decisions.authorizer import Decision
from chalicelib.errors import (
    AuditFailed,
    ConfigError,
    CredvendError,
    InvalidToken,
    IssuerUnavailable,
    TokenStoreUnavailable,
    Unauthenticated,
)
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts import Session
from chalicelib.sessions.sts_failures import StsFailure
from chalicelib.text.timestamps import rfc3339
from chalicelib.wire.vend_request import VendRequest

EventName = Literal[
    "credentials.requested",
    "credentials.vended",
    "credentials.denied",
    "credentials.failed",
    "roles.listed",
    "caller.described",
    "health.reported",
    "read.denied",
    "authentication.failed",
]
# The header is the caller's own text: enough to tell clients apart, not enough to flood the log.
_USER_AGENT_CHARACTERS: Final = 256


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as API Gateway saw it.

    Attributes:
        request_id: API Gateway's id of the request, also told to the caller.
        source_ip: address of the caller, or None if the request did not come in through the API's URL.
        user_agent: what the client calls itself; not verified.
        cold_start: this is the first request of the execution environment.
    """

    request_id: str
    source_ip: str | None
    user_agent: str
    cold_start: bool


class AuditLog:
    """Writes audit events, or raises."""

    def __init__(self, configuration: str) -> None:
        """Set up the logger.

        Args:
            configuration: digest of the configuration, which stands in every record.

        Raises:
            ConfigError: Lambda's log level would suppress audit records.
        """
        for variable in ("AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL"):
            level = os.environ.get(variable, "INFO").upper()
            if level not in ("TRACE", "DEBUG", "INFO"):
                raise ConfigError([f"{variable}={level} would suppress the audit log: set it to INFO"])
        self._configuration = configuration
        self._logger = Logger(
            service="credvend.audit",
            level="INFO",
            logger_handler=_AuditHandler(),
            json_serializer=_one_line,
            use_rfc3339=True,
            utc=True,
            location=None,  # always this file: says nothing
        )

    def write(self, event: EventName, fields: dict[str, object]) -> None:
        """Write one event.

        Raises:
            AuditFailed: the line could not be written, or logging is switched off or filtered somewhere in the process.
        """
        before = self._lines_written()
        known = {"event": event, "configuration": self._configuration} | fields
        try:
            self._logger.info(event, extra={name: value for name, value in known.items() if value is not None})
        except Exception as error:  # whatever stands at sys.stdout, or in the fields
            raise AuditFailed from error
        if self._lines_written() != before + 1:
            raise AuditFailed

    def _lines_written(self) -> int:
        return sum(handler.lines for handler in self._logger.handlers if isinstance(handler, _AuditHandler))


class _AuditHandler(logging.Handler):
    """Writes to standard output, counts what it wrote, and lets errors through, which logging would swallow."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0
        self._output = StandardOutput()

    def emit(self, record: logging.LogRecord) -> None:
        self._output.write_line(self.format(record))
        self.lines += 1


def _one_line(record: dict[str, object]) -> str:
    """JSON on one line, in which all that cannot be seen is escaped: other ends of lines, controls, halves of pairs."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


def origin_fields(origin: Origin) -> dict[str, object]:
    """Where the request came from."""
    return {
        "request_id": origin.request_id,
        "source_ip": origin.source_ip,
        "user_agent": origin.user_agent[:_USER_AGENT_CHARACTERS],
        "cold_start": origin.cold_start,
    }


def caller_fields(caller: Caller) -> dict[str, object]:
    """Who asks."""
    known: dict[str, object] = {"caller": caller.identifier, "caller_type": caller.kind}
    match caller:
        case OidcSubject():
            return known | {"caller_issuer": caller.issuer, "caller_subject": caller.subject}
        case ServiceToken():
            return known | {"caller_owner": caller.owner, "caller_token_id": caller.token_id}
        case IamRoleSession():
            known |= {"caller_role": caller.role_arn}
    return known | {"caller_account": caller.account, "caller_principal_id": caller.principal_id}


def request_fields(request: VendRequest) -> dict[str, object]:
    """What they ask for, as they said it."""
    return {
        "requested_role": request.role,
        "requested_duration": request.duration,
        "reason": request.reason,
        "requested_tags": dict(request.tags) or None,
        "params": dict(request.params) or None,
        "dry_run": request.dry_run,
    }


def decision_fields(decision: Decision) -> dict[str, object]:
    """What Cedar said, and by which policies."""
    return {
        "decision": "allow" if decision.allowed else "deny",
        "policies": list(decision.policies),
        "policy_errors": list(decision.errors) or None,
    }


def plan_fields(plan: SessionPlan) -> dict[str, object]:
    """What STS is asked for."""
    return {
        "role": plan.role.name,
        "role_arn": plan.role.arn,
        "duration": plan.duration,
        "session_name": plan.session_name,
        "source_identity": plan.source_identity,
        "session_tags": dict(plan.tags),
        "transitive_tags": list(plan.transitive_tags) or None,
        "session_policy": plan.policy,
        "session_policy_arns": list(plan.policy_arns) or None,
    }


def session_fields(session: Session) -> dict[str, object]:
    """What STS gave: everything but the two secrets."""
    return {
        "access_key_id": session.credentials.access_key_id,
        "assumed_role_arn": session.arn,
        "expiration": rfc3339(session.credentials.expiration),
        "sts_request_id": session.request_id,
        "sts_milliseconds": session.milliseconds,
    }


def failure_fields(failure: StsFailure) -> dict[str, object]:
    """Why STS gave nothing."""
    return {
        "cause": failure.cause,
        "error": failure.answer.message,
        "sts_request_id": failure.request_id,
        "sts_milliseconds": failure.milliseconds,
    }


# Of these, the caller has not proved who it is.
_NOT_PROVED: Final = (Unauthenticated, IssuerUnavailable, TokenStoreUnavailable)


def refusal_event(refusal: CredvendError, otherwise: EventName) -> EventName:
    """Of a refusal: somebody who has not proved who they are, or somebody known whose request is refused."""
    return "authentication.failed" if isinstance(refusal, _NOT_PROVED) else otherwise


def refusal_fields(refusal: CredvendError) -> dict[str, object]:
    """Why the request was turned away, as the caller was told; and of a token what it claims to be."""
    fields: dict[str, object] = {"cause": refusal.code, "error": refusal.message}
    if isinstance(refusal, InvalidToken):
        fields |= {
            "cause": refusal.cause,
            "issuer": refusal.issuer,
            "key_id": refusal.key_id,
            "token_id": refusal.token_id,
            "token_name": refusal.token_name,
        }
    elif isinstance(refusal, IssuerUnavailable):
        fields |= {"issuer": refusal.issuer}
    return fields
