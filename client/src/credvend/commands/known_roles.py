"""The names of the roles that the caller may have, for completion: by a list of the last minutes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping

from credvend import lean
from credvend.auth import registry
from credvend.auth.method import Authenticator
from credvend.commands.names import COMPLETE
from credvend.commands.plain_role import PLAIN_ROLE
from credvend.disk.config_file import Config
from credvend.disk.credentials_cache import FAILURE_LASTS_WITH_ENTRY
from credvend.disk.private_files import CannotWrite, private_directory, write_private
from credvend.disk.private_json import read_json
from credvend.errors import CredvendError
from credvend.vending.service import Service

# Seconds for which the list of roles is used again: a role that is new is found soon, and TAB does not wait.
ROLES_LAST = 300
# Seconds that TAB waits for a new list, before it takes the last one.
LONGEST_WAIT = 2.0
# By which the process that asks is told to: see `complete`.
REFRESH = "roles_refresh"
# Python would look for modules in the working directory first, with -m as with -c: it may be anybody's repository.
# (Its option -P, against that, is not in Python 3.10; and -I takes away what a user has installed for themselves.)
_ASK = "import sys; sys.path = [each for each in sys.path if each]; from credvend.cli import main; sys.exit(main([]))"


def role_names(environ: Mapping[str, str]) -> list[str]:
    """The roles that the caller may have, by a list of the last minutes; the last known ones, if asking takes long.

    None if they cannot be had: whoever presses TAB is not told why. And not asked for anything: a process without a
    terminal asks, and goes on to its end, so that the next TAB finds what it found.
    """
    try:
        path = _path(*_caller(environ), environ)
    except CredvendError:
        return []
    if not path:  # there is no place for a list
        return []
    names, is_fresh = _read(path)
    if not is_fresh:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            asking = subprocess.Popen(
                [sys.executable, "-c", _ASK],
                env={**environ, COMPLETE: REFRESH},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            asking.wait(LONGEST_WAIT)
        names, _ = _read(path)
    return names


def refresh(environ: Mapping[str, str]) -> None:
    """Ask for the roles, and write the list down; a failure, too, for as long as it takes to press TAB a few times."""
    with contextlib.suppress(CredvendError, CannotWrite):
        config, caller = _caller(environ)
        path = _path(config, caller, environ)
        before, _ = _read(path)
        names = _ask(Service(config, caller, environ))
        lasts = ROLES_LAST if names is not None else FAILURE_LASTS_WITH_ENTRY
        private_directory(os.path.dirname(path))
        content = {"until": time.time() + lasts, "obtained": time.time(), "roles": before if names is None else names}
        write_private(path, json.dumps(content).encode("ascii"))


def _caller(environ: Mapping[str, str]) -> tuple[Config, Authenticator]:
    config = registry.load_checked_config(environ)
    return config, registry.authenticator(config, environ)


def _path(config: Config, caller: Authenticator, environ: Mapping[str, str]) -> str:
    """Where the list is; empty for nowhere."""
    key = lean.cache_key(config.url, registry.method_in_use(config, environ), caller.cache_identity(), "")
    return "" if config.cache == "off" else lean.cache_path(environ, f"{key}.roles")


def _ask(service: Service) -> list[str] | None:
    try:
        names = [str(role["Role"]) for role in service.roles()]
    except CredvendError:
        return None
    # Shells expand the words that they are given: nothing but a name gets to them.
    return sorted(name for name in names if PLAIN_ROLE.fullmatch(name))


def _read(path: str) -> tuple[list[str], bool]:
    """The roles of the list, and whether it is of the last minutes."""
    content = read_json(path)
    try:
        is_fresh = content["obtained"] <= time.time() < content["until"]
        return [str(name) for name in content["roles"]], is_fresh
    except (KeyError, TypeError):
        return [], False
