"""Callers, roles and circumstances as Cedar reads them: its JSON formats, made of our own types.

https://docs.cedarpolicy.com/auth/entities-syntax.html
"""

import ipaddress

from chalicelib.callers.caller import Caller
from chalicelib.callers.cedar_entity import CedarEntity
from chalicelib.decisions.decision import Circumstances
from chalicelib.roles.role import Role
from chalicelib.text.timestamps import rfc3339

Json = dict[str, object]


def principal_json(caller: Caller) -> Json:
    """The caller, who asks."""
    return _entity_json(caller.entity)


def role_json(role: Role) -> Json:
    """The role, which is asked about."""
    return _entity_json(
        CedarEntity(
            kind="Role",
            id=role.name,
            attributes={"account": role.account, "arn": role.arn},
            parents=tuple(("RoleGroup", group) for group in role.groups),
        )
    )


def context_json(circumstances: Circumstances) -> Json:
    """What else a decision may depend on."""
    return {
        "duration": circumstances.duration,
        "source_ip": {"__extn": {"fn": "ip", "arg": str(ipaddress.ip_address(circumstances.source_ip))}},
        "has_reason": circumstances.has_reason,
        "time": {"__extn": {"fn": "datetime", "arg": rfc3339(circumstances.time)}},
    }


def _entity_json(entity: CedarEntity) -> Json:
    document: Json = {
        "uid": {"type": entity.kind, "id": entity.id},
        "attrs": dict(entity.attributes),
        "parents": [{"type": kind, "id": identifier} for kind, identifier in entity.parents],
    }
    return document if entity.tags is None else document | {"tags": dict(entity.tags)}
