"""Callers and requests made of the values that expressions of policies are to have: `principal.getTag("ref").text`."""

import ipaddress
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final

from chalicelib.callers.caller import Caller, Claim
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.shape import Shape
from chalicelib.configuration.value_sets import Constant
from chalicelib.roles.role import Role
from chalicelib.sessions.asked import VendRequest
from chalicelib.text.local_time import WEEKDAYS
from ops.deciding.deciding import Asking
from ops.deciding.described import ADDRESS
from ops.deciding.recorded import untold_policy

SOMEONE: Final = "someone"
ACCOUNT: Final = "123456789012"
"""Of callers whose account no policy names: one of AWS's documentation."""
OWNER: Final = "nobody"
REASON: Final = "a reason"
Values = Mapping[str, Constant]

_ENTITY: Final = re.compile(r'\w+::(?P<id>"(?:[^"\\]|\\.)*")', re.DOTALL)
_GROUP: Final = re.compile(r'principal in OidcGroup::(?P<id>".*")', re.DOTALL)
_HAS: Final = re.compile(r'(?P<of>principal|context\.tags|context\.params)\.hasTag\((?P<name>".*")\)', re.DOTALL)
_GET: Final = re.compile(
    r'(?P<of>principal|context\.tags|context\.params)\.getTag\((?P<name>"(?:[^"\\]|\\.)*")\)(?P<rest>.*)', re.DOTALL
)
_CONTAINS: Final = re.compile(r'\.values\.contains\((?P<value>".*")\)', re.DOTALL)
_IPV4: Final = 1 << 32


def asking_with(shape: Shape, role: Role, values: Values, now: datetime, zone: tzinfo) -> Asking:
    """A request in which expressions have these values; what they leave open is ordinary.

    Args:
        shape: of the caller.
        zone: of local times.
    """
    duration = values.get("context.duration")
    reason = values.get("context.reason", REASON)
    silent = 0 in (values.get("context.has_reason", 1), values.get('context has "reason"', 1))
    request = VendRequest(
        role=role.name,
        duration=None if duration is None else int(duration),
        reason=None if silent else str(reason),
        tags=_texts(values, "context.tags"),
        params=_texts(values, "context.params"),
        policy=untold_policy() if values.get("context.narrowed") else None,
    )
    form = values.get("context.format")
    return Asking(
        caller=caller_with(shape, role.partition, values),
        request=request,
        format="json" if form is None else _identifier(str(form)),
        address=_address(values.get("context.source_ip")),
        time=_moment(values, now, zone),
    )


def caller_with(shape: Shape, partition: str, values: Values) -> Caller:
    """A caller of which expressions have these values.

    Args:
        partition: of AWS, of those that sign.
    """
    known = {name: str(values[f"principal.{name}"]) for name in shape.attributes if f"principal.{name}" in values}
    if "principal" in values:
        match = re.fullmatch(shape.id, _identifier(str(values["principal"])), re.DOTALL)
        if match is not None:
            known |= match.groupdict()
            partition = match[0].split(":")[1] if match[0].startswith("arn:") else partition
            known |= _of_arn(shape.kind, match[0])
    account, name = known.get("account", ACCOUNT), known.get("name", SOMEONE)
    match shape.kind:
        case IamUser.kind:
            principal_id = known.get("principal_id", "AIDAEXAMPLE")
            return IamUser(partition, account, known.get("path", "/"), name, principal_id)
        case IamRoleSession.kind:
            session = known.get("session_name", SOMEONE)
            principal_id = known.get("principal_id", f"AROAEXAMPLE:{session}")
            return IamRoleSession(partition, account, name if "name" in known else "Someone", session, principal_id)
        case FederatedUser.kind:
            return FederatedUser(partition, account, name, known.get("principal_id", f"{account}:{name}"))
        case ServiceToken.kind:
            tags = tuple(sorted(_texts(values, "principal").items()))
            return ServiceToken(name, known.get("owner", OWNER), tags)
    issuer = shape.fixed.get("issuer", known.get("issuer", ""))
    return OidcSubject(issuer, known.get("subject", SOMEONE), _groups(values, issuer), _claims(values))


def _of_arn(kind: str, identifier: str) -> dict[str, str]:
    """What the id of a principal that signs says of its name; a path is a user's alone."""
    if kind not in (IamRoleSession.kind, FederatedUser.kind):
        return {}
    return {"name": identifier.rpartition("/")[2]}


def _groups(values: Values, issuer: str) -> tuple[str, ...]:
    named = [json.loads(match["id"]) for text, value in values.items() if value and (match := _GROUP.fullmatch(text))]
    own = [name.partition(":")[2] for name in named if name.partition(":")[0] == issuer]
    return tuple(dict.fromkeys(own))


def _claims(values: Values) -> tuple[tuple[str, Claim], ...]:
    claims: dict[str, Claim] = dict.fromkeys(_flagged(values, "principal"), SOMEONE)
    several: dict[str, list[str]] = {}
    for of, name, rest, value in _got(values):
        if of != "principal" or name in _absent(values, of):
            continue
        contains = _CONTAINS.fullmatch(rest)
        if rest == ".text":
            claims[name] = str(value)
        elif contains is not None and value:
            several.setdefault(name, []).append(json.loads(contains["value"]))
        elif contains is not None:
            claims.setdefault(name, SOMEONE)
    # A claim with one value has it as its text, too.
    return tuple(
        (claims | {name: held[0] if len(held) == 1 else tuple(held) for name, held in several.items()}).items()
    )


def _texts(values: Values, of: str) -> Mapping[str, str]:
    """Tags that hold text: of requests, and of API tokens."""
    found = dict.fromkeys(_flagged(values, of), SOMEONE)
    found |= {name: str(value) for whose, name, rest, value in _got(values) if whose == of and not rest}
    return MappingProxyType({name: value for name, value in found.items() if name not in _absent(values, of)})


def _got(values: Values) -> list[tuple[str, str, str, Constant]]:
    return [
        (match["of"], json.loads(match["name"]), match["rest"], value)
        for text, value in values.items()
        if (match := _GET.fullmatch(text))
    ]


def _flagged(values: Values, of: str) -> list[str]:
    return [name for name, there in _flags(values, of) if there]


def _absent(values: Values, of: str) -> list[str]:
    return [name for name, there in _flags(values, of) if not there]


def _flags(values: Values, of: str) -> list[tuple[str, bool]]:
    return [
        (json.loads(match["name"]), bool(value))
        for text, value in values.items()
        if (match := _HAS.fullmatch(text)) and match["of"] == of
    ]


def _identifier(entity: str) -> str:
    match = _ENTITY.fullmatch(entity)
    return entity if match is None else str(json.loads(match["id"]))


def _address(number: Constant | None) -> str:
    if not isinstance(number, int):
        return ADDRESS
    return str(ipaddress.IPv4Address(number) if number < _IPV4 else ipaddress.IPv6Address(number - _IPV4))


def _moment(values: Values, now: datetime, zone: tzinfo) -> datetime:
    """A moment at which clocks show what they are to show: now, or a later day."""
    exact = values.get("context.time")
    if isinstance(exact, int):
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=exact)
    in_utc = values.get("context.time.toTime()")
    if isinstance(in_utc, int):
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(milliseconds=in_utc)
    local = now.astimezone(zone)
    weekday, date, time = (values.get(f"context.local.{name}") for name in ("weekday", "date", "time"))
    if isinstance(date, str):
        day = datetime.fromisoformat(date)
        local = local.replace(year=day.year, month=day.month, day=day.day)
    elif isinstance(weekday, str):
        local += timedelta(days=(WEEKDAYS.index(_identifier(weekday)) - local.weekday()) % len(WEEKDAYS))
    if isinstance(time, int):
        seconds = time // 1000
        local = local.replace(hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60, microsecond=0)
    return local
