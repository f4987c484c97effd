"""Callers, roles and circumstances as Cedar reads them: its JSON formats, made of our own types.

https://docs.cedarpolicy.com/auth/entities-syntax.html
"""

import ipaddress
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, tzinfo
from typing import Final

from chalicelib.callers.caller import Caller
from chalicelib.callers.cedar_entity import CedarEntity
from chalicelib.decisions.decision import ATTRIBUTES, Circumstances
from chalicelib.roles.role import Role
from chalicelib.text.timestamps import rfc3339

Json = dict[str, object]
# What is told of a role besides what every schema knows: an attribute, and types of what it is in.
ACCOUNT_NAME: Final = "account_name"
ACCOUNT: Final = "Account"
ACCOUNT_GROUP: Final = "AccountGroup"
ROLE_FACTS: Final = frozenset({ACCOUNT_NAME, ACCOUNT, ACCOUNT_GROUP})


def principal_json(caller: Caller) -> Json:
    """The caller, who asks."""
    return entity_json(caller.entity)


def role_json(role: Role, told: Collection[str] = ROLE_FACTS) -> Json:
    """The role, which is asked about.

    Args:
        told: of `ROLE_FACTS`, those that the schema knows and policies may look at.
    """
    return entity_json(role_entity(role, told))


def role_entity(role: Role, told: Collection[str] = ROLE_FACTS) -> CedarEntity:
    """The entity of a role of the catalog."""
    attributes = {"account": role.account, "arn": role.arn}
    parents = [("RoleGroup", group) for group in role.groups]
    if ACCOUNT_NAME in told:
        attributes["account_name"] = role.account_name
    if ACCOUNT in told:
        parents.append((ACCOUNT, role.account))
    if ACCOUNT_GROUP in told:
        parents += [(ACCOUNT_GROUP, group) for group in role.account_groups]
    return CedarEntity(kind="Role", id=role.name, attributes=attributes, parents=tuple(parents))


def context_json(circumstances: Circumstances, attributes: Collection[str] = ATTRIBUTES, zone: tzinfo = UTC) -> Json:
    """What else a decision may depend on.

    Args:
        attributes: of `ATTRIBUTES`, those that are told.
        zone: of local times.
    """
    context: Json = {
        "duration": circumstances.duration,
        "source_ip": {"__extn": {"fn": "ip", "arg": str(ipaddress.ip_address(circumstances.source_ip))}},
        "has_reason": circumstances.has_reason,
        "time": {"__extn": {"fn": "datetime", "arg": rfc3339(circumstances.time)}},
    }
    for attribute in attributes:
        if attribute == "reason":
            if circumstances.reason is not None:
                context["reason"] = circumstances.reason
        elif attribute == "local":
            context["local"] = _local_json(circumstances, zone)
        else:
            context[attribute] = _TOLD[attribute](circumstances)
    return context


def asked_entities(circumstances: Circumstances, attributes: Collection[str] = ATTRIBUTES) -> list[Json]:
    """The entities that the context speaks of: tags and params have names that no schema can foresee."""
    return [
        {"uid": _ASKED[name], "attrs": {}, "parents": [], "tags": dict(pairs)}
        for name, pairs in (("params", circumstances.params), ("tags", circumstances.tags))
        if name in attributes
    ]


# No policy may name them (configuration/policy_files.py): who looks at them does so by the context.
_ASKED: Final = {
    "params": {"type": "RequestedParams", "id": "request"},
    "tags": {"type": "RequestedTags", "id": "request"},
}
_TOLD: Final[Mapping[str, Callable[[Circumstances], object]]] = {
    "format": lambda circumstances: _entity("Format", circumstances.format),
    "narrowed": lambda circumstances: circumstances.narrowed,
    "params": lambda _: {"__entity": _ASKED["params"]},
    "tags": lambda _: {"__entity": _ASKED["tags"]},
}


def _local_json(circumstances: Circumstances, zone: tzinfo) -> Json:
    from chalicelib.text.local_time import local_time  # for policies that look at it

    local = local_time(circumstances.time, zone)
    return {
        "weekday": _entity("Weekday", local.weekday),
        "date": local.date,
        "time": {"__extn": {"fn": "duration", "arg": f"{local.seconds}s"}},
    }


def _entity(kind: str, identifier: str) -> Json:
    return {"__entity": {"type": kind, "id": identifier}}


def entity_json(entity: CedarEntity) -> Json:
    """An entity in Cedar's format."""
    document: Json = {
        "uid": {"type": entity.kind, "id": entity.id},
        "attrs": entity.attributes,
        "parents": [{"type": kind, "id": identifier} for kind, identifier in entity.parents],
    }
    return document if entity.tags is None else document | {"tags": entity.tags}
