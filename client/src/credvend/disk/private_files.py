"""Writing files that hold secrets: whole or not at all, and never where somebody else could look or had put a link."""

from __future__ import annotations

import contextlib
import os

from credvend import lean
from credvend.errors import UsageError


class CannotWrite(UsageError):
    """There is no place to write to: no space, or a file system or directory that is not to be written."""


def private_directory(path: str) -> str:
    """Make a directory for secrets, with those above it, unless it is there; 0700.

    Raises:
        CannotWrite: it cannot be made.
        UsageError: it is somebody else's, or open to others.
    """
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        # The mode is given at once, so that no moment is left to get in; the umask can only narrow it.
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        lean.check_private_directory(path)
    except lean.Unreadable as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise CannotWrite(f"{path} cannot be made: {error.strerror}.") from None
    return path


def write_private(path: str, data: bytes) -> None:
    """Write a file of mode 0600, instead of whatever is at `path`; a reader sees the old content or the new.

    Raises:
        CannotWrite: it cannot be written.
    """
    import secrets  # slow to import, and not for whoever finds an answer in the cache

    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{secrets.token_hex(8)}")
    try:
        # O_EXCL follows no link and takes no file that is there.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}.") from None


def remove(path: str) -> bool:
    """Remove a file, if it is there. Tells whether it was.

    Raises:
        CannotWrite: it cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CannotWrite(f"{path} cannot be removed: {error.strerror}.") from None
    return True
