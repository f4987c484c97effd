"""Where secrets that outlive a command are kept: the operating system's keyring, or a file that nobody else can read.

The keyring is reached through the package `keyring`, if that is installed and has a backend that it recommends itself.
A machine without a desktop has none, so the file is the usual place there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from credvend import lean
from credvend.disk.private_files import private_directory, remove, write_private
from credvend.errors import AuthenticationError

# Under which name the keyring's own tools show what is ours.
SERVICE = "credvend"
# Set to `off`, keeps away from the keyring: where it would ask for a password that nobody is there to type.
SWITCH = "CREDVEND_KEYRING"
# Backends of a lower priority are, in keyring's own words, not recommended: they keep plain text, or nothing.
_RECOMMENDED = 1
_LOCKED = "The operating system's keyring did not open; unlock it."


@dataclass(frozen=True)
class Place:
    """Where a secret was put.

    Attributes:
        kind: `keyring` or `file`.
        text: the same in words, for people.
    """

    kind: str
    text: str


def name_for(kind: Literal["login", "token"], url: str) -> str:
    """What the secret for the service at `url` is called: the refresh token of a sign-in, or an API token."""
    return f"{kind} {url}"


def save(name: str, secret: str, environ: Mapping[str, str]) -> Place:
    """Keep a secret instead of an older one of that name.

    Args:
        name: by `name_for`.

    Raises:
        UsageError: neither the keyring nor the file takes it.
    """
    if put_in_keyring(name, secret, environ):
        remove(path_of(name, environ))  # which would be read first
        return Place("keyring", f"the operating system's keyring ({_backend_name(_keyring(environ))})")
    path = path_of(name, environ)
    private_directory(os.path.dirname(path))
    write_private(path, secret.encode("utf-8"))
    sync(path)
    return Place("file", f"the file {path}, which only you can read")


def read(name: str, environ: Mapping[str, str]) -> str | None:
    """The secret, or None if there is none.

    Raises:
        AuthenticationError: others could have read or changed the file, or the keyring does not let us in.
    """
    path = path_of(name, environ)
    try:
        return lean.read_private(path).decode("utf-8")
    except FileNotFoundError:
        pass
    except lean.Unreadable as error:
        raise AuthenticationError(str(error)) from None
    except (OSError, UnicodeDecodeError):
        raise AuthenticationError(f"{path} cannot be read; remove it, and sign in again.") from None
    return read_keyring(name, environ)


def delete(name: str, environ: Mapping[str, str]) -> bool:
    """Forget a secret, wherever it is. Tells whether there was one.

    Raises:
        AuthenticationError: it is in no file, and may still be in the keyring, which does not let us in.
    """
    was_in_file = remove(path_of(name, environ))
    try:
        return delete_from_keyring(name, environ) or was_in_file
    except AuthenticationError:
        if was_in_file:  # where the keyring was locked all along, the file had it
            return True
        raise


def path_of(name: str, environ: Mapping[str, str]) -> str:
    """The file that a secret is in, if it is in one."""
    kind = name.partition(" ")[0]
    return lean.state_path(environ, f"{kind}-{lean.sha256(name)[:16]}.secret")


def sync(path: str) -> None:
    """Have a file and its place in the directory survive a crash of the machine, as far as that can be had."""
    for each in (path, os.path.dirname(path)):
        with contextlib.suppress(OSError):  # some file systems, and systems, cannot sync a directory
            descriptor = os.open(each, os.O_RDONLY | lean.BINARY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _keyring(environ: Mapping[str, str]) -> Any | None:
    """The backend, or None if there is none to rely on."""
    if environ.get(SWITCH, "").lower() in ("off", "0", "no", "false"):
        return None
    # Its own configuration names the module that is its backend. From a relative directory, anybody's repository would.
    if not os.path.isabs(environ.get("XDG_CONFIG_HOME") or lean.home_path(environ, ".config")):
        return None
    try:
        import keyring

        ring: Any = keyring.get_keyring()
        usable = float(ring.priority) >= _RECOMMENDED
    except Exception:  # the package is not there, or its backend fails in a way of its own
        return None
    return ring if usable else None


def has_keyring(environ: Mapping[str, str]) -> bool:
    """Whether there is one to rely on."""
    return _keyring(environ) is not None


def read_keyring(name: str, environ: Mapping[str, str]) -> str | None:
    """What the keyring has of a name; None for nothing, or no keyring.

    Raises:
        AuthenticationError: it does not let us in.
    """
    ring = _keyring(environ)
    if ring is None:
        return None
    try:
        found = ring.get_password(SERVICE, name)
    except Exception:  # a backend's own, of any kind; its words may hold anything
        raise AuthenticationError(_LOCKED) from None
    return None if found is None else str(found)


def delete_from_keyring(name: str, environ: Mapping[str, str]) -> bool:
    """Have the keyring forget a secret. Tells whether there was one.

    Raises:
        AuthenticationError: it may still be there, for the keyring does not let us in.
    """
    ring = _keyring(environ)
    if ring is None:
        return False
    try:
        ring.delete_password(SERVICE, name)
    except Exception:  # not there, or locked: backends differ in how they say so
        if read_keyring(name, environ) is not None:
            raise AuthenticationError(_LOCKED) from None
        return False
    return True


def put_in_keyring(name: str, secret: str, environ: Mapping[str, str]) -> bool:
    """Whether the keyring keeps it. One that is locked, or limits the length, does not; some lose it without a word."""
    ring = _keyring(environ)
    if ring is None:
        return False
    try:
        ring.set_password(SERVICE, name, secret)
        return bool(ring.get_password(SERVICE, name) == secret)
    except Exception:  # a backend's own, of any kind
        return False


def _backend_name(ring: Any) -> str:
    backends = getattr(ring, "backends", None)  # keyring's chain of several, of which the first takes it
    if isinstance(backends, (list, tuple)) and backends:
        ring = backends[0]
    return str(getattr(ring, "name", type(ring).__name__))
