"""The names of the roles that the caller may have, for completion: by a list of the last minutes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping

from credvend import lean
from credvend.auth import registry
from credvend.commands.plain_role import PLAIN_ROLE
from credvend.disk.credentials_cache import FAILURE_LASTS_WITH_ENTRY
from credvend.disk.private_files import CannotWrite, private_directory, write_private
from credvend.errors import CredvendError
from credvend.text.json_object import json_object
from credvend.vending.service import Service

# Seconds for which the list of roles is used again: a role that is new is found soon, and TAB does not wait.
ROLES_LAST = 300


def role_names(environ: Mapping[str, str]) -> list[str]:
    """The roles that the caller may have, by a list of the last minutes.

    None if they cannot be had: whoever presses TAB is not told why.
    """
    try:
        config = registry.load_checked_config(environ)
        caller = registry.authenticator(config, environ)
        key = lean.cache_key(config.url, registry.method_in_use(config, environ), caller.cache_identity(), "")
        path = os.path.join(lean.cache_directory(environ), f"{key}.roles")
        known = _read(path)
        if known is not None:
            return known
        names = _ask(Service(config, caller, environ))
        private_directory(os.path.dirname(path))
        # A failure is remembered, too, for as long as it takes to press TAB a few times.
        lasts = ROLES_LAST if names is not None else FAILURE_LASTS_WITH_ENTRY
        content = {"until": time.time() + lasts, "obtained": time.time(), "roles": names or []}
        write_private(path, json.dumps(content).encode("ascii"))
        return names or []
    except (CredvendError, CannotWrite):
        return []


def _ask(service: Service) -> list[str] | None:
    try:
        names = [str(role["Role"]) for role in service.roles()]
    except CredvendError:
        return None
    # Shells expand the words that they are given: nothing but a name gets to them.
    return sorted(name for name in names if PLAIN_ROLE.fullmatch(name))


def _read(path: str) -> list[str] | None:
    try:
        lean.check_private_directory(os.path.dirname(path))
        content = json_object(lean.read_private(path)) or {}
        if content["obtained"] <= time.time() < content["until"]:
            return [str(name) for name in content["roles"]]
    except (OSError, lean.Unreadable, ValueError, KeyError, TypeError):
        pass
    return None
