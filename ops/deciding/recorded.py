"""An audit record, made into the request that it tells of: docs/audit.md has its fields.

A record does not hold all that was asked. What is missing is told, in words, and never guessed where a decision could
depend on it without saying so.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from chalicelib.aws.policy_document import VERSION, check_document
from chalicelib.callers.caller import Caller, Claim
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.sigv4 import identify_caller
from chalicelib.errors import CredvendError
from chalicelib.sessions.asked import CallerPolicy, VendRequest
from ops.deciding.deciding import Asking

SERVICE: Final = "credvend.audit"
_TOKEN: Final = "token:"  # noqa: S105 how such callers are called
# Stands for a policy of which a record only says that there was one: it denies what nobody can do.
_UNTOLD: Final[Mapping[str, object]] = {
    "Version": VERSION,
    "Statement": [{"Effect": "Deny", "Action": "sts:GetCallerIdentity", "Resource": "*"}],
}


class NotRecorded(ValueError):
    """The record does not tell of a request on which policies were asked. The message says why."""


class Recorded(NamedTuple):
    """A request of which a record tells, and what became of it.

    Attributes:
        asking: the same request, to be decided again.
        request_id: Lambda's id of it.
        event: of the record, such as `credentials.denied`.
        configuration: digest of the one that it was decided by.
        decision: `allow` or `deny`; None where the request was refused before policies were asked.
        policies: `@id`s of those that decided.
        cause: why it was refused or failed, in a word.
        unknown: what of the request the record does not tell, in words.
    """

    asking: Asking
    request_id: str
    event: str
    configuration: str | None
    decision: str | None
    policies: tuple[str, ...]
    cause: str | None
    unknown: tuple[str, ...]


def is_vend(record: Mapping[str, object]) -> bool:
    """Whether a record is an audit record of somebody who asked for a role, and got as far as policies."""
    return record.get("service") == SERVICE and "requested_role" in record and "decision" in record


def recorded(record: Mapping[str, object]) -> Recorded:
    """The request that an audit record tells of.

    Raises:
        NotRecorded: it tells of no request for a role by a known caller; says what is missing.
    """
    if record.get("service") != SERVICE:
        raise NotRecorded("it is no audit record of credvend: its `service` is not credvend.audit")
    if "caller" not in record or "requested_role" not in record:
        raise NotRecorded(f"it tells of no known caller who asked for a role: its event is {record.get('event')}")
    try:
        moment = datetime.fromisoformat(_text(record, "decision_time" if "decision_time" in record else "timestamp"))
        if moment.tzinfo is None:
            raise ValueError("its time has no zone")
        asking = Asking(
            caller=_caller(record),
            request=_request(record),
            format=_text(record, "format"),
            address=_text(record, "source_ip"),
            time=moment,
        )
    except (KeyError, TypeError, ValueError, CredvendError) as error:
        raise NotRecorded(f"it does not tell enough: {error}") from None
    return Recorded(
        asking=asking,
        request_id=str(record.get("request_id", "")),
        event=str(record.get("event", "")),
        configuration=_maybe(record, "configuration"),
        decision=_maybe(record, "decision"),
        policies=tuple(map(str, _list(record, "policies"))),
        cause=_maybe(record, "cause"),
        unknown=tuple(_unknown(record)),
    )


def _caller(record: Mapping[str, object]) -> Caller:
    kind = _text(record, "caller_type")
    if kind == OidcSubject.kind:
        return OidcSubject(
            issuer=_text(record, "caller_issuer"),
            subject=_text(record, "caller_subject"),
            groups=tuple(map(str, _list(record, "caller_groups"))),
            claims=tuple((name, _claim(value)) for name, value in _mapping(record, "caller_claims").items()),
        )
    if kind == ServiceToken.kind:
        return ServiceToken(
            name=_text(record, "caller").removeprefix(_TOKEN),
            owner=_text(record, "caller_owner"),
            tags=tuple(sorted(_texts(record, "caller_tags").items())),
            token_id=_maybe(record, "caller_token_id") or "",
        )
    identity = {
        "userArn": _text(record, "caller"),
        "accountId": _text(record, "caller_account"),
        "caller": _text(record, "caller_principal_id"),
        "accessKey": record.get("caller_access_key_id"),
    }
    return identify_caller(identity)


def _request(record: Mapping[str, object]) -> VendRequest:
    duration = record.get("requested_duration")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int)):
        raise TypeError("requested_duration")
    return VendRequest(
        role=_text(record, "requested_role"),
        duration=duration,
        reason=_maybe(record, "reason"),
        tags=_texts(record, "requested_tags"),
        params=_texts(record, "params"),
        policy=untold_policy() if record.get("narrowed") is True else None,
        dry_run=record.get("dry_run") is True,
    )


def untold_policy() -> CallerPolicy:
    """Stands for a session policy of a caller's of which no more is known than that there was one."""
    return CallerPolicy(_UNTOLD, check_document(_UNTOLD))


def _unknown(record: Mapping[str, object]) -> list[str]:
    missing: list[str] = []
    if "decision_time" not in record:
        missing.append("when it was decided: policies were not asked, and it is taken to be when this was recorded")
    if record.get("narrowed") is True:
        missing.append("the caller's session policy: another one stands for it, so the plan of the session is not that")
    if "caller_groups_left_out" in record:
        missing.append("groups that no policy can name, which change no decision")
    left_out = record.get("left_out")
    if isinstance(left_out, Mapping):
        missing += [f"{count} entries of {field}, which were too many to record" for field, count in left_out.items()]
    return missing


def _claim(value: object) -> Claim:
    return tuple(map(str, value)) if isinstance(value, list) else str(value)


def _text(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise TypeError(f"{name} is {'missing' if value is None else 'no text'}")
    return value


def _maybe(record: Mapping[str, object], name: str) -> str | None:
    return None if record.get(name) is None else _text(record, name)


def _list(record: Mapping[str, object], name: str) -> list[object]:
    value = record.get(name)
    if value is not None and not isinstance(value, list):
        raise TypeError(f"{name} is no list")
    return value or []


def _mapping(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = record.get(name)
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"{name} is no object")
    return value or {}


def _texts(record: Mapping[str, object], name: str) -> Mapping[str, str]:
    return {key: str(value) for key, value in _mapping(record, name).items()}
