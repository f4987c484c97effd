"""Callers, roles and circumstances as Cedar reads them: its JSON formats, made of our own types.

https://docs.cedarpolicy.com/auth/entities-syntax.html
"""

import ipaddress

from chalicelib.callers.caller import Caller
from chalicelib.callers.cedar_entity import CedarEntity
from chalicelib.decisions.decision import Circumstances
from chalicelib.roles.role import Role, account_of
from chalicelib.text.timestamps import rfc3339

Json = dict[str, object]


def principal_json(caller: Caller) -> Json:
    """The caller, who asks."""
    return entity_json(caller.entity)


def role_json(role: Role) -> Json:
    """The role, which is asked about."""
    return entity_json(role_entity(role.name, role.arn, role.groups))


def role_entity(name: str, arn: str, groups: tuple[str, ...]) -> CedarEntity:
    """The entity of a role of the catalog, from all that it is made of."""
    return CedarEntity(
        kind="Role",
        id=name,
        attributes={"account": account_of(arn), "arn": arn},
        parents=tuple(("RoleGroup", group) for group in groups),
    )


def context_json(circumstances: Circumstances) -> Json:
    """What else a decision may depend on."""
    return {
        "duration": circumstances.duration,
        "source_ip": {"__extn": {"fn": "ip", "arg": str(ipaddress.ip_address(circumstances.source_ip))}},
        "has_reason": circumstances.has_reason,
        "time": {"__extn": {"fn": "datetime", "arg": rfc3339(circumstances.time)}},
    }


def entity_json(entity: CedarEntity) -> Json:
    """An entity in Cedar's format."""
    document: Json = {
        "uid": {"type": entity.kind, "id": entity.id},
        "attrs": entity.attributes,
        "parents": [{"type": kind, "id": identifier} for kind, identifier in entity.parents],
    }
    return document if entity.tags is None else document | {"tags": entity.tags}
