"""What tells callers apart whose secret is slow to read, in the keyring for one: a random text for each sign-in.

The cache's key holds it (`lean.identity`), so that credentials of one caller are never handed to the next. Sign-ins
write the kind `login` (refreshes do not: that is the same caller), and whoever saves an API token the kind `token`;
each removes its own when it forgets the secret.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Literal

from credvend import lean
from credvend.disk.private_files import private_directory, remove, write_private

Kind = Literal["login", "token"]


def write_marker(environ: Mapping[str, str], kind: Kind, url: str) -> None:
    """Say that from now on another caller may be seen at the service."""
    path = lean.marker_path(environ, kind, url)
    private_directory(os.path.dirname(path))
    write_private(path, secrets.token_hex(16).encode("ascii") + b"\n")


def remove_marker(environ: Mapping[str, str], kind: Kind, url: str) -> None:
    """Say that there is no such caller any more."""
    remove(lean.marker_path(environ, kind, url))
