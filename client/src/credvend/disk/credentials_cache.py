"""The cache of vended credentials: a file for each key, and beside it a lock and, for a moment, the last failure.

Everything is 0600 in a directory of 0700. What an entry is and when it may be used is up to `lean.py`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import re
import time
from collections.abc import Iterator, Mapping

from credvend import lean
from credvend.disk.private_files import CannotWrite, private_directory, write_private
from credvend.errors import AccessDeniedError, AuthenticationError, CredvendError, ServiceError, UsageError
from credvend.text.json_object import json_object
from credvend.text.messages import progress
from credvend.time_limit import LONGEST, seconds_left

# Seconds for which a failure is shared with those who come next; and with those whose old credentials still do.
FAILURE_LASTS = 2.0
FAILURE_LASTS_WITH_ENTRY = 60.0
# Seconds after which no entry can be alive: a session lives for twelve hours at most.
_DEAD = 13 * 3600
_OURS = re.compile(r"\.?[A-Za-z0-9_-]+\.(entry|failure|lock|roles)(\.[0-9a-f]{16})?")
_ERRORS: dict[int, type[CredvendError]] = {
    error.exit_code: error for error in (UsageError, AuthenticationError, AccessDeniedError, ServiceError)
}


class Cache:
    """The cache of one user."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.directory = lean.cache_directory(environ)

    def prepare(self) -> None:
        """Make the directory.

        Raises:
            CannotWrite: it cannot be made.
            UsageError: others can get into it.
        """
        private_directory(self.directory)

    def load(self, key: str) -> lean.Entry | None:
        """What there is for a key, if it can be trusted.

        Raises:
            UsageError: others can get into the directory.
        """
        try:
            return lean.load_entry(self._environ, key)
        except lean.Unreadable as error:
            raise UsageError(str(error)) from None

    def store(self, entry: lean.Entry) -> None:
        """Replace what there is for a key.

        Raises:
            CannotWrite: it cannot be written.
        """
        write_private(lean.entry_path(self._environ, entry.key), entry.to_bytes())
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(entry.key, "failure"))
        self._remove_dead()

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Be the only one, of all processes and threads, that deals with a key.

        Raises:
            CannotWrite: there can be no lock.
            ServiceError: others did not finish in the time that is left.
        """
        with progress("waiting for another credvend, which asks the service"):
            descriptor = _locked(self._path(key, "lock"))
        try:
            yield
        finally:
            os.close(descriptor)  # which releases it

    def note_failure(self, key: str, error: CredvendError) -> None:
        """Tell those who wait, and those who come within a moment. Messages hold no secrets."""
        known = {"at": time.time(), "exit_code": error.exit_code, "message": error.message}
        write_private(self._path(key, "failure"), json.dumps(known).encode("ascii"))

    def failure(self, key: str, waiting_since: float, lasts: float) -> CredvendError | None:
        """The failure of whoever asked last, if it is one to share.

        Args:
            waiting_since: failures since then are shared, and earlier ones for `lasts` seconds.
        """
        try:
            known = json_object(lean.read_private(self._path(key, "failure"))) or {}
            at = float(known["at"])
            error = _ERRORS[known["exit_code"]](str(known["message"]))
        except (OSError, lean.Unreadable, ValueError, KeyError, TypeError):
            return None
        now = time.time()
        # One of the future is from before the clock was set back.
        return error if min(waiting_since, now - lasts) <= at <= now else None

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
                try:
                    os.unlink(os.path.join(self.directory, name))
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise UsageError(f"{name} in {self.directory} cannot be removed: {error.strerror}.") from None
                removed += name.endswith(".entry")
        return removed

    def _path(self, key: str, kind: str) -> str:
        return os.path.join(self.directory, f"{key}.{kind}")

    def _remove_dead(self) -> None:
        """Let nothing pile up: keys change with callers and options."""
        with contextlib.suppress(OSError):
            for found in os.scandir(self.directory):
                if _OURS.fullmatch(found.name):
                    with contextlib.suppress(OSError):
                        if found.stat(follow_symlinks=False).st_mtime < time.time() - _DEAD:
                            os.unlink(found.path)


def _locked(path: str) -> int:
    """The descriptor of a locked file. It is polled for: a lock that blocks could not be given up."""
    deadline = time.monotonic() + min(LONGEST, seconds_left())
    pause = 0.005
    while True:
        descriptor = _open_lock(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever clears the cache removes locks, too: then the next one would lock another file.
            if os.fstat(descriptor).st_ino == os.stat(path, follow_symlinks=False).st_ino:
                os.utime(descriptor)  # it is in use
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as error:  # some file systems have no locks
            os.close(descriptor)
            raise CannotWrite(f"{path} cannot be locked: {error.strerror}.") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise ServiceError("Another credvend has been asking the service for too long; look for it, and end it.")
        time.sleep(pause * (0.5 + random.random()))  # noqa: S311 no secret
        pause = min(0.1, pause * 1.5)


def _open_lock(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}.") from None
