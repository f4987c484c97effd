"""The roles that a person used last, for the picker: by service, the latest first."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping

from credvend import lean
from credvend.disk.private_files import private_directory, write_private
from credvend.disk.private_json import read_json
from credvend.errors import UsageError

_KEPT = 20


def recent_roles(url: str, environ: Mapping[str, str]) -> list[str]:
    """Their names; none where nothing can be read."""
    names = read_json(_path(url, environ)).get("roles")
    return [str(name) for name in names] if isinstance(names, list) else []


def note_role(name: str, url: str, environ: Mapping[str, str]) -> None:
    """Put a role first. Where nothing can be written, nothing is remembered."""
    names = [name, *(each for each in recent_roles(url, environ) if each != name)][:_KEPT]
    with contextlib.suppress(UsageError):
        private_directory(lean.cache_directory(environ))
        write_private(_path(url, environ), json.dumps({"roles": names}).encode("ascii"))


def _path(url: str, environ: Mapping[str, str]) -> str:
    return lean.cache_path(environ, f"{lean.sha256(url)}.recent")
