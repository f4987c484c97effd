"""Writing files that hold secrets: whole or not at all, and never where somebody else could look or had put a link."""

from __future__ import annotations

import contextlib
import os
import stat

from credvend import lean
from credvend.errors import UsageError

# Makes a file, and takes none that is there, nor follows a link.
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | lean.NO_FOLLOW | lean.BINARY
_NOWHERE = "There is no home directory, or a relative one, and so no place for files: set HOME."


class CannotWrite(UsageError):
    """There is no place to write to: no space, or a file system or directory that is not to be written."""


def make_directory(path: str) -> None:
    """Make a directory, with those above it, unless it is there: each 0700, whatever the umask.

    Raises:
        OSError: it cannot be made.
        CannotWrite: this is root, and it would be in the home of who ran sudo, who could do nothing with it.
    """
    if os.path.isdir(path):
        return
    above = os.path.dirname(path) or os.curdir
    if above != path:
        make_directory(above)
        if lean.came_by_sudo_from(os.stat(above)):
            raise CannotWrite(
                f"{path} would be root's, in a directory of who ran sudo: run credvend without it, or with sudo -H."
            )
    # The mode is given at once, so that no moment is left to get in; the umask can only narrow it.
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)


def private_directory(path: str) -> str:
    """Make a directory for secrets, with those above it, unless it is there; 0700.

    Raises:
        CannotWrite: it cannot be made, or there is no place for it, which an empty path says.
        UsageError: it is somebody else's, or open to others.
    """
    if not path:
        raise CannotWrite(_NOWHERE)
    try:
        make_directory(path)
        lean.check_private_directory(path)
    except lean.Unreadable as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise CannotWrite(f"{path} cannot be made: {error.strerror}.") from None
    return path


def write_private(path: str, data: bytes) -> None:
    """Write a file of mode 0600, instead of the file or the link at `path`; a reader sees the old content or the new.

    Raises:
        CannotWrite: it cannot be written, or something is there that is no file.
    """
    import secrets  # slow to import, and not for whoever finds an answer in the cache

    if not path:
        raise CannotWrite(_NOWHERE)
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{secrets.token_hex(8)}")
    try:
        refuse_other_than_file(path)
        descriptor = os.open(temporary, CREATE, 0o600)
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


def refuse_other_than_file(path: str) -> None:
    """Keep away from devices, pipes and directories: who may write to `/dev` would replace them for everybody.

    Raises:
        CannotWrite: there is one at `path`.
        OSError: nobody can tell.
    """
    with contextlib.suppress(FileNotFoundError):
        mode = os.lstat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise CannotWrite(f"{path} is not a regular file; it is left as it is.")


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
