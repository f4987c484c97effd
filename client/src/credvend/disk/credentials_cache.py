"""The cache of vended credentials: a file for each key, and beside it a lock and, for a moment, the last failure.

Everything is 0600 in a directory of 0700. What an entry is and when it may be used is up to `lean.py`. With the setting
`cache = keyring` the entry is in the operating system's keyring, and the file beside the lock is empty: it is there for
whoever clears the cache, as nobody can list a keyring.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping

from credvend import lean
from credvend.disk import secret_store
from credvend.disk.locks import locked
from credvend.disk.private_files import CannotWrite, private_directory, remove, write_private
from credvend.errors import (
    AccessDeniedError,
    AuthenticationError,
    CredvendError,
    ServiceError,
    SignInNeeded,
    UsageError,
)
from credvend.text.json_object import json_object

# Seconds for which a failure is shared with those who come next; and with those whose old credentials still do.
FAILURE_LASTS = 2.0
FAILURE_LASTS_WITH_ENTRY = 60.0
# Seconds after which no entry can be alive: a session lives for twelve hours at most.
_DEAD = 13 * 3600
_OURS = re.compile(r"\.?[A-Za-z0-9_-]+\.(entry|failure|keyring|lock|recent|roles)(\.[0-9a-f]{16})?")
_ERRORS: dict[int, type[CredvendError]] = {
    error.exit_code: error for error in (UsageError, AuthenticationError, AccessDeniedError, ServiceError)
}


class Cache:
    """The cache of one user.

    Args:
        place: where entries are: `file` or `keyring`, as the setting `cache` has it.
    """

    def __init__(self, environ: Mapping[str, str], place: str = "file") -> None:
        self._environ = environ
        self._in_keyring = place == "keyring"
        self.directory = lean.cache_directory(environ)

    def prepare(self) -> None:
        """Make the directory.

        Raises:
            CannotWrite: it cannot be made, or others can get into it; or there is no keyring.
        """
        try:
            private_directory(self.directory)
        except UsageError as error:
            # Such is life of root in a container, after `sudo -E`, and on disks of Windows: there is no cache there.
            raise CannotWrite(error.message) from None
        if self._in_keyring and not secret_store.has_keyring(self._environ):
            raise CannotWrite("There is no keyring, or it is switched off: set cache to file, or to off.")

    def load(self, key: str) -> lean.Entry | None:
        """What there is for a key, if it can be trusted."""
        if self._in_keyring:
            try:
                found = secret_store.read_keyring(_keyring_name(key), self._environ)
            except AuthenticationError:  # it is locked
                return None
            return None if found is None else lean.parse_entry(found.encode(), key)
        return lean.load_entry(self._environ, key)

    def store(self, entry: lean.Entry) -> None:
        """Replace what there is for a key.

        Raises:
            CannotWrite: it cannot be written.
        """
        if self._in_keyring:
            write_private(self._path(entry.key, "keyring"), b"")
            if not secret_store.put_in_keyring(_keyring_name(entry.key), entry.to_bytes().decode(), self._environ):
                raise CannotWrite("The operating system's keyring does not take them; unlock it, or set cache to file.")
        else:
            write_private(self._path(entry.key, "entry"), entry.to_bytes())
        remove(self._path(entry.key, "failure"))
        self._remove_dead()

    def lock(self, key: str) -> contextlib.AbstractContextManager[None]:
        """Be the only one, of all processes and threads, that deals with a key.

        Raises:
            CannotWrite: there can be no lock.
            ServiceError: others did not finish in time.
        """
        return locked(self._path(key, "lock"))

    def note_failure(self, key: str, error: CredvendError) -> None:
        """Tell those who wait, and those who come within a moment. Messages hold no secrets."""
        known = {"at": time.time(), "exit_code": error.exit_code, "message": error.message}
        known["sign_in"] = isinstance(error, SignInNeeded)
        write_private(self._path(key, "failure"), json.dumps(known).encode("ascii"))

    def failure(self, key: str, waiting_since: float, lasts: float) -> CredvendError | None:
        """The failure of whoever asked last, if it is one to share.

        Args:
            waiting_since: failures since then are shared, and earlier ones for `lasts` seconds.
        """
        try:
            known = json_object(lean.read_private(self._path(key, "failure"))) or {}
            at = float(known["at"])
            kind = SignInNeeded if known["sign_in"] is True else _ERRORS[known["exit_code"]]
            error = kind(str(known["message"]))
        except (OSError, lean.Unreadable, ValueError, KeyError, TypeError):
            return None
        now = time.time()
        # One of the future is from before the clock was set back.
        return error if min(waiting_since, now - lasts) <= at <= now else None

    def entries(self) -> Iterator[lean.Entry]:
        """All that can be trusted, dead or alive; of the operating system's keyring only where that is the place."""
        kind = "keyring" if self._in_keyring else "entry"
        with contextlib.suppress(OSError, lean.Unreadable):
            lean.check_private_directory(self.directory)
            for name in sorted(os.listdir(self.directory)):
                key, _, found = name.partition(".")
                if found == kind and _OURS.fullmatch(name) and (entry := self.load(key)) is not None:
                    yield entry

    def forget(self, sessions: Collection[str]) -> None:
        """Remove the credentials of some sessions.

        Args:
            sessions: their ids or their access key ids: several requests may have been given one session.

        Raises:
            UsageError: they cannot be removed.
            AuthenticationError: the keyring does not let us in.
        """
        for entry in self.entries():
            answer = json_object(entry.answer) or {}
            given = answer.get("Credentials")
            key = given.get("AccessKeyId") if isinstance(given, dict) else None
            if not {answer.get("RequestId"), key}.isdisjoint(sessions):
                self._remove(f"{entry.key}.{'keyring' if self._in_keyring else 'entry'}")

    def clear(self) -> int:
        """Remove everything that credvend put there, and nothing else; the number of entries.

        Raises:
            UsageError: others can get into the directory, or a file cannot be removed.
        """
        try:
            lean.check_private_directory(self.directory)
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return 0
        except lean.Unreadable as error:
            raise UsageError(str(error)) from None
        removed = 0
        for name in names:
            if _OURS.fullmatch(name):
                removed += self._remove(name) and name.endswith((".entry", ".keyring"))
        return removed

    def _path(self, key: str, kind: str) -> str:
        return os.path.join(self.directory, f"{key}.{kind}")

    def _remove(self, name: str) -> bool:
        """Remove a file, and what it stands for in the keyring.

        Raises:
            UsageError: it cannot be removed.
            AuthenticationError: the keyring does not let us in.
        """
        key, _, kind = name.partition(".")
        if kind == "keyring":
            secret_store.delete_from_keyring(_keyring_name(key), self._environ)
        return remove(os.path.join(self.directory, name))

    def _remove_dead(self) -> None:
        """Let nothing pile up: keys change with callers and options."""
        with contextlib.suppress(OSError):
            for found in os.scandir(self.directory):
                if _OURS.fullmatch(found.name):
                    with contextlib.suppress(OSError, CredvendError):
                        if found.stat(follow_symlinks=False).st_mtime < time.time() - _DEAD:
                            self._remove(found.name)


def _keyring_name(key: str) -> str:
    return f"cache {key}"
