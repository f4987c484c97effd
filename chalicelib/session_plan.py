"""What will STS be asked? The plan of a session: everything that goes into AssumeRole, decided beforehand."""

import re
from dataclasses import dataclass
from typing import Final

from chalicelib.catalog import Role
from chalicelib.errors import InvalidRequest
from chalicelib.identity import Caller
from chalicelib.request import VendRequest
from chalicelib.session_name import identity_hash, session_name

# https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
_TAG_VALUE = re.compile(r"[A-Za-z0-9 _.:/=+@-]{0,256}", re.ASCII)
_NOT_IN_TAG_VALUE = re.compile(r"[^A-Za-z0-9 _.:/=+@-]", re.ASCII)
_TAG_CHARACTERS: Final = 256
_LIKE_CUT = re.compile(r" [a-z2-7]{26}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """The arguments of sts:AssumeRole.

    Attributes:
        duration: seconds.
        source_identity: equal to the session name, or None where the role has it switched off.
        tags: session tags, empty where the role has them switched off.
    """

    role: Role
    session_name: str
    duration: int
    source_identity: str | None
    tags: tuple[tuple[str, str], ...]


def plan_session(caller: Caller, request: VendRequest, role: Role, request_id: str) -> SessionPlan:
    """The plan for a request that policy has allowed.

    Only now may an answer tell of the role's own rules: before, it would tell that the role exists.

    Raises:
        InvalidRequest: longer than the role allows, or without the reason that the role demands.
    """
    duration = requested_duration(request, role)
    if duration > role.max_duration:
        raise InvalidRequest(f'Field "duration" must be at most {role.max_duration} seconds for role {role.name}.')
    if role.require_reason and request.reason is None:
        raise InvalidRequest(
            f'Field "reason" is required for role {role.name}: say in a few words what you need it for.'
        )
    name = session_name(caller)
    tags = (
        ("credvend:caller", _caller_tag(caller)),
        ("credvend:request", request_id),
        ("credvend:role", role.name),
    )
    return SessionPlan(
        role=role,
        session_name=name,
        duration=duration,
        source_identity=name if role.source_identity else None,
        tags=tags if role.tag_session else (),
    )


def requested_duration(request: VendRequest, role: Role) -> int:
    """Seconds asked for, or the role's default."""
    return role.default_duration if request.duration is None else request.duration


def _caller_tag(caller: Caller) -> str:
    """The caller's identifier where a tag can hold it exactly; else the start of it and a hash of all of it.

    No exact form ends in a space and something that looks like a hash.
    """
    if _TAG_VALUE.fullmatch(caller.identifier) and _LIKE_CUT.search(caller.identifier) is None:
        return caller.identifier
    suffix = f" {identity_hash(caller)}"
    # Cut, not replaced: what policies compare it with must be what the caller is called.
    return _NOT_IN_TAG_VALUE.split(caller.identifier)[0][: _TAG_CHARACTERS - len(suffix)] + suffix
