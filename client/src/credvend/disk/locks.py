"""One process and thread at a time. The lock ends with its holder, whatever ends that, where the system has such locks.

Elsewhere filelock makes do with a file that is there or not, and notices when its maker has gone.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

from credvend.disk.private_files import CannotWrite
from credvend.errors import ServiceError
from credvend.text.messages import progress
from credvend.time_limit import LONGEST, seconds_left


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock that the file at `path`, in a private directory, stands for.

    Raises:
        CannotWrite: there can be no lock.
        ServiceError: others did not finish in the time that is left.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of makeshift locks, where there are no others
        import filelock  # slow to import

    # (To filelock, less than nothing is for ever.)
    lock = filelock.FileLock(path, timeout=max(0, min(LONGEST, seconds_left())), mode=0o600)
    try:
        with progress("waiting for another credvend"):
            lock.acquire()
    except filelock.Timeout:
        raise ServiceError(
            "Another credvend has been asking the service for too long; look for it, and end it."
        ) from None
    except (OSError, NotImplementedError) as error:  # some file systems have no locks
        why = getattr(error, "strerror", None) or "there are no locks"
        raise CannotWrite(f"{path} cannot be locked: {why}.") from None
    try:
        with contextlib.suppress(OSError):
            os.utime(path)  # it is in use
        yield
    finally:
        lock.release()
