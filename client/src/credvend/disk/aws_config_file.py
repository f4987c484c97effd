"""The files `~/.aws/config` and `~/.aws/credentials`: read, and the first replaced in one step, with a backup kept."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from collections.abc import Mapping

from credvend import lean
from credvend.disk.private_files import CREATE, make_directory
from credvend.errors import UsageError
from credvend.text.aws_config import region_in

# How many are kept.
_BACKUPS = 3


def region_of(environ: Mapping[str, str], profile: str | None = None) -> str | None:
    """The region that AWS's tools use in this environment; None if nothing says it, or it cannot be read.

    Args:
        profile: instead of the one that `AWS_PROFILE` names.
    """
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if environ.get(variable):
            return environ[variable]
    name = profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    # botocore lets what the file of keys says win.
    for path, of_credentials in ((lean.aws_credentials_path(environ), True), (lean.aws_config_path(environ), False)):
        with contextlib.suppress(UsageError):
            text = (read(path) or b"").decode("utf-8", "surrogateescape")
            region = region_in(text, name, of_credentials=of_credentials)
            if region is not None:
                return region
    return None


def read(path: str) -> bytes | None:
    """The file's content; None if there is none.

    Raises:
        UsageError: it cannot be read, or is no file.
    """
    if path == os.devnull:  # which is what people name who want none
        return b""
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe would have to be waited for
            raise UsageError(f"{path} is not a regular file.")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def write(path: str, old: bytes | None, new: bytes) -> str | None:
    """Replace the file in one step, with its mode kept, a link to it kept, and what was there beside it as a backup.

    Args:
        old: what was read, None for no file; if something else is there now, nothing is written.

    Returns:
        The backup's path; None if there was nothing.

    Raises:
        UsageError: it cannot be written, or somebody else has changed it meanwhile.
    """
    if not path:
        raise UsageError("There is no home directory, or a relative one: set HOME, or AWS_CONFIG_FILE.")
    target = os.path.realpath(path)
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            raise UsageError(f"{path} is not a regular file; it is left as it is.")
        make_directory(os.path.dirname(target))
        mode, owner = 0o600, None
        backup = None
        if old is not None:
            status = os.stat(target)
            mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
            backup = _back_up(target, old, mode, owner)
        temporary = f"{target}.credvend-{secrets.token_hex(8)}.tmp"
        _create(temporary, new, mode, owner)
        try:
            if read(target) != old:
                raise UsageError(f"{path} was changed by somebody else meanwhile; nothing is written. Try again.")
            if new or os.path.islink(path):
                os.replace(temporary, target)
            else:  # nothing of anybody's was in it
                os.unlink(temporary)
                os.unlink(target)
        except BaseException:
            for each in (temporary, backup):
                with contextlib.suppress(OSError):
                    if each is not None:
                        os.unlink(each)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; nothing is changed.") from None
    _remove_old_backups(target)
    return backup


def _back_up(target: str, content: bytes, mode: int, owner: tuple[int, int] | None) -> str:
    """Write a backup beside a file; two of one second may draw the same name, and the later one draws again."""
    while True:
        backup = f"{target}.credvend-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}.bak"
        with contextlib.suppress(FileExistsError):
            _create(backup, content, mode, owner)
            return backup


def _remove_old_backups(target: str) -> None:
    """Keep the last few: they hold what the file held, secrets included."""
    directory, name = os.path.split(target)
    ours = re.compile(re.escape(name) + r"\.credvend-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}\.bak")
    with contextlib.suppress(OSError):
        for old in sorted(filter(ours.fullmatch, os.listdir(directory)))[:-_BACKUPS]:
            os.unlink(os.path.join(directory, old))


def _create(path: str, content: bytes, mode: int, owner: tuple[int, int] | None) -> None:
    descriptor = os.open(path, CREATE, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if hasattr(os, "fchown"):
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                with contextlib.suppress(OSError):  # only root can give files away
                    os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
