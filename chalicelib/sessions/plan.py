"""What will STS be asked? The plan of a session: everything that goes into AssumeRole, decided beforehand."""

import re
from typing import Final, NamedTuple

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.aws.session_tags import OWN_KEYS, TRANSITIVE_KEYS, check_value
from chalicelib.callers.caller import Caller
from chalicelib.callers.session_name import identity_hash, session_name
from chalicelib.errors import InvalidRequest
from chalicelib.roles.guards import guards
from chalicelib.roles.role import Role
from chalicelib.roles.session_rules import fits
from chalicelib.roles.template_values import Values
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.scoping import session_policy
from chalicelib.text.printable import unprintable

# https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
_TAG_VALUE = re.compile(r"[A-Za-z0-9 _.:/=+@-]{0,256}", re.ASCII)
_NOT_IN_TAG_VALUE = re.compile(r"[^A-Za-z0-9 _.:/=+@-]", re.ASCII)
_TAG_CHARACTERS: Final = 256
_LIKE_CUT = re.compile(r" [a-z2-7]{26}\Z", re.ASCII)


class SessionPlan(NamedTuple):
    """What a session is to be, whichever way STS is asked for it.

    Attributes:
        duration: seconds.
        source_identity: equal to the session name, or None where the role has it switched off.
        tags: session tags, empty where the role has them switched off.
        transitive_tags: keys of those that stay through further role changes.
        policy: the session policy as JSON, or None.
        asked_to_narrow: a part of that policy is the caller's own.
        policy_arns: managed policies that are session policies, too.
    """

    role: Role
    session_name: str
    duration: int
    source_identity: str | None
    tags: tuple[tuple[str, str], ...]
    transitive_tags: tuple[str, ...] = ()
    policy: str | None = None
    asked_to_narrow: bool = False
    policy_arns: tuple[str, ...] = ()

    @property
    def is_lease(self) -> bool:
        """Whether it is shorter than any session that STS makes at once."""
        return self.duration < MINIMUM_SECONDS


def plan_session(caller: Caller, request: VendRequest, role: Role, request_id: str) -> SessionPlan:
    """The plan for a request that policy has allowed.

    Only now may an answer tell of the role's own rules: before, it would tell that the role exists.

    Raises:
        InvalidRequest: longer than the role allows, without the reason that it demands, or with tags, params or a
            policy that it does not take.
    """
    duration = requested_duration(request, role)
    if duration < role.min_duration:
        raise InvalidRequest(f'Field "duration" must be at least {role.min_duration} seconds for role {role.name}.')
    if duration > role.max_duration:
        raise InvalidRequest(f'Field "duration" must be at most {role.max_duration} seconds for role {role.name}.')
    if role.require_reason and request.reason is None:
        raise InvalidRequest(
            f'Field "reason" is required for role {role.name}: say in a few words what you need it for.'
        )
    name = session_name(caller)
    values = Values(role.name, caller, _params(request, role), role.session_rules.bounds)
    tags = _own_tags(caller, role, request_id) + _role_tags(role, values) + _caller_tags(request, role)
    return SessionPlan(
        role=role,
        session_name=name,
        duration=duration,
        source_identity=name if role.source_identity else None,
        tags=tags,
        transitive_tags=transitive_tags(role, {key for key, _ in tags}),
        policy=session_policy(role, values, request.policy, duration < MINIMUM_SECONDS),
        asked_to_narrow=request.policy is not None,
        policy_arns=role.session_rules.policy_arns,
    )


def requested_duration(request: VendRequest, role: Role) -> int:
    """Seconds asked for, or the role's default."""
    return role.default_duration if request.duration is None else request.duration


Tags = tuple[tuple[str, str], ...]


def _own_tags(caller: Caller, role: Role, request_id: str) -> Tags:
    if not role.tag_session:
        return ()
    values = (_caller_tag(caller), request_id, role.name)
    return tuple(zip(OWN_KEYS, values, strict=True))


def transitive_tags(role: Role, keys: set[str]) -> tuple[str, ...]:
    """Which of the tags go on with a session that assumes another role: by them, what it became can be revoked."""
    named = role.session_rules.transitive_tags
    own = tuple(key for key in TRANSITIVE_KEYS if key not in named)
    return tuple(key for key in own + named if key in keys)


def _role_tags(role: Role, values: Values) -> Tags:
    tags: list[tuple[str, str]] = []
    for key, template in role.session_rules.tags:
        values.keep_apart(guards(template))
        tags.append((key, _tag_value(key, template.fill(values.of))))
    return tuple(tags)


def _caller_tags(request: VendRequest, role: Role) -> Tags:
    allowed = role.session_rules.caller_tags
    for key in request.tags:
        if key not in allowed:
            if not allowed:
                raise InvalidRequest(f"Callers may set no tags for role {role.name}.")
            known = ", ".join(allowed)
            raise InvalidRequest(f"Tag {_shown(key)} is not one that callers may set for role {role.name}: {known}.")
    return tuple((key, _tag_value(key, value)) for key, value in request.tags.items())


def _tag_value(key: str, value: str) -> str:
    try:
        check_value(value)
    except ValueError as error:
        raise InvalidRequest(f"The value of tag {_shown(key)} {error}.") from None
    return value


def _params(request: VendRequest, role: Role) -> dict[str, str]:
    """A value for each of the role's params: the request's, or the default."""
    declared = role.session_rules.params
    for name in request.params:
        if name not in declared:
            if not declared:
                raise InvalidRequest(f"Role {role.name} takes no params.")
            known = ", ".join(declared)
            raise InvalidRequest(f"Param {_shown(name)} is not one of role {role.name}: {known}.")
    values: dict[str, str] = {}
    for name, param in declared.items():
        value = request.params.get(name, param.default)
        if value is None:
            raise InvalidRequest(f"Param {name} is required for role {role.name}.")
        if not fits(param, value):
            mark = unprintable(value)
            holds = f", and holds {mark}: remove that" if mark else ""
            raise InvalidRequest(f"Param {name} must match {param.bounds.pattern.pattern} for role {role.name}{holds}.")
        values[name] = value
    return values


def _shown(name: str) -> str:
    return ascii(name[:40])


def _caller_tag(caller: Caller) -> str:
    """The caller's identifier where a tag can hold it exactly; else the start of it and a hash of all of it.

    No exact form ends in a space and something that looks like a hash.
    """
    if _TAG_VALUE.fullmatch(caller.identifier) and _LIKE_CUT.search(caller.identifier) is None:
        return caller.identifier
    suffix = f" {identity_hash(caller)}"
    # Cut, not replaced: what policies compare it with must be what the caller is called.
    return _NOT_IN_TAG_VALUE.split(caller.identifier)[0][: _TAG_CHARACTERS - len(suffix)] + suffix
