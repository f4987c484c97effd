"""What the service tells of sessions that were vended to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from credvend.errors import ServiceError
from credvend.text.moments import parse_moment


@dataclass(frozen=True)
class Revocation:
    """How far the end of a session is that somebody has asked for.

    Attributes:
        written: when AWS was told to deny it; None: it was not yet.
        in_force: when it was seen to be denied; None: that was not looked for, or not seen yet.
        problem: why AWS could not be told.
    """

    requested: datetime
    written: datetime | None = None
    in_force: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Session:
    """A session. Moments are aware, by the service's clock.

    Attributes:
        id: `RequestId` of the answer that vended it.
        role: the catalog's name of the role.
        state: `live`, `ended`, `revoking`, `revoked`, `failed` or `requested`; docs/api.md says what each means.
        reason: what the caller said when it asked for it.
    """

    id: str
    role: str
    role_arn: str
    state: str
    requested: datetime
    expires: datetime
    access_key_id: str | None = None
    reason: str | None = None
    revocation: Revocation | None = None


def names_of(session: Session) -> list[str]:
    """All by which its credentials are found in the cache."""
    return [session.id, *([session.access_key_id] if session.access_key_id else [])]


def parse_session(told: object) -> Session:
    """A session, as the service tells it.

    Raises:
        ServiceError: it is none.
    """
    try:
        if not isinstance(told, Mapping):
            raise TypeError
        revocation = told.get("Revocation")
        return Session(
            id=str(told["Id"]),
            role=str(told["Role"]),
            role_arn=str(told["RoleArn"]),
            state=str(told["State"]),
            requested=parse_moment(str(told["Requested"])),
            expires=parse_moment(str(told["Expires"])),
            access_key_id=_text(told, "AccessKeyId"),
            reason=_text(told, "Reason"),
            revocation=None if revocation is None else _revocation(revocation),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ServiceError("The answer tells of no session that credvend understands; is url right?") from None


def _revocation(told: Mapping[str, Any]) -> Revocation:
    return Revocation(
        parse_moment(str(told["Requested"])), _moment(told, "Written"), _moment(told, "InForce"), _text(told, "Problem")
    )


def _text(told: Mapping[str, Any], name: str) -> str | None:
    return None if told.get(name) is None else str(told[name])


def _moment(told: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(told, name)
    return None if text is None else parse_moment(text)
