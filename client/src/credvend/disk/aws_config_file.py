"""Profiles in `~/.aws/config`, one for each role, between two comments that say whose they are.

What is outside of the comments stays as it is, byte for byte. What is between them is credvend's, and is written anew.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import secrets
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from credvend import lean
from credvend.errors import UsageError

BEGIN = "# >>> credvend: written by `credvend configure --profiles`; changes in here are lost >>>"
END = "# <<< credvend <<<"
_BEGIN = re.compile(r"\s*#\s*>>> credvend\b.*")
_END = re.compile(r"\s*#\s*<<< credvend\b.*")
_SECTION = re.compile(r"\[(.+)\]\s*(?:[#;].*)?")
# How many are kept.
_BACKUPS = 3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@%+,-]*")


@dataclass(frozen=True)
class Profile:
    """A section: its name, and the command that its credentials come from, in words."""

    name: str
    command: Sequence[str]


def may_begin(prefix: str) -> bool:
    """Whether names of profiles may begin so."""
    return _NAME.fullmatch(prefix) is not None


def config_file(environ: Mapping[str, str]) -> str:
    """`$AWS_CONFIG_FILE`, else `~/.aws/config`."""
    named = environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    return lean.home_path(environ, named[2:]) if named.startswith("~/") else named


def credentials_file(environ: Mapping[str, str]) -> str:
    """`$AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`."""
    named = environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    return lean.home_path(environ, named[2:]) if named.startswith("~/") else named


def read(path: str) -> bytes | None:
    """The file's content; None if there is none.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def names_outside(content: bytes) -> set[str]:
    """The profiles that are somebody else's. A second section of a name would make the whole file invalid."""
    before, _, after = _split(_text(content))
    return {name for line in _lines(before + after) for name in [_profile_name(line)] if name is not None}


def names_with_keys(content: bytes) -> set[str]:
    """The profiles of a credentials file. SDKs take its keys before any `credential_process` of that name."""
    found = (_SECTION.fullmatch(line.strip()) for line in _lines(_text(content)))
    return {re.sub(r"^profile\s+", "", each[1].strip()).strip("\"'") for each in found if each is not None}


def with_profiles(content: bytes, profiles: Sequence[Profile]) -> bytes:
    """The content with these profiles in the place of those that credvend wrote, which goes at the end if it is new.

    Raises:
        UsageError: the comments are not one pair; or a profile cannot be written.
    """
    text = _text(content)
    before, found, after = _split(text)
    ending = "\r\n" if "\r\n" in text else "\n"
    block = "".join(line + ending for line in _block(profiles)) if profiles else ""
    if found is None:
        if not block:
            return content
        if before and not before.endswith(("\n", "\r")):
            before += ending
        if before.strip():
            before += ending  # a line apart, whatever there is
    elif not block and before.strip() and before.endswith(("\n" + ending, "\n\n")):
        before = before[: -len(ending)] if before.endswith(ending) else before[:-1]  # which goes with it
    elif block and not after and not found.endswith(("\n", "\r")):
        block = block[: -len(ending)]
    return (before + block + after).encode("utf-8", "surrogateescape")


def difference(path: str, old: bytes, new: bytes) -> str:
    """What would change, as `diff -u` shows it. No line around it: others' may hold secrets."""
    lines = difflib.unified_diff(
        _text(old).splitlines(), _text(new).splitlines(), path, f"{path} (new)", lineterm="", n=0
    )
    # Nothing of the file gets to steer the terminal.
    return "\n".join(re.sub(r"[^\t\x20-\x7e\xa0-\uffff]", "?", line) for line in lines)


def write(path: str, old: bytes | None, new: bytes) -> str | None:
    """Replace the file in one step, with its mode kept, a link to it kept, and what was there beside it as a backup.

    Args:
        old: what was read, None for no file; if something else is there now, nothing is written.

    Returns:
        The backup's path; None if there was nothing.

    Raises:
        UsageError: it cannot be written, or somebody else has changed it meanwhile.
    """
    target = os.path.realpath(path)
    try:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
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
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if owner is not None and owner != (os.geteuid(), os.getegid()):
            with contextlib.suppress(OSError):  # only root can give files away
                os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _lines(text: str) -> list[str]:
    """Lines with their ends, where those who read the file see them: `str.splitlines` also splits at a form feed."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _split(text: str) -> tuple[str, str | None, str]:
    """What is before credvend's block, the block, and what is after it.

    Raises:
        UsageError: there is not one pair of comments, in their order, or none.
    """
    lines = _lines(text)
    begins = [number for number, line in enumerate(lines) if _BEGIN.fullmatch(line.rstrip("\r\n"))]
    ends = [number for number, line in enumerate(lines) if _END.fullmatch(line.rstrip("\r\n"))]
    if not begins and not ends:
        return text, None, ""
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        raise UsageError(
            "The comments `# >>> credvend` and `# <<< credvend` in ~/.aws/config are not one pair any more: "
            "repair them, or remove them with what is between."
        )
    return "".join(lines[: begins[0]]), "".join(lines[begins[0] : ends[0] + 1]), "".join(lines[ends[0] + 1 :])


def _profile_name(line: str) -> str | None:
    """The profile that a line begins: `[profile NAME]`, or `[default]`."""
    found = _SECTION.fullmatch(line.strip())
    if found is None:
        return None
    words = found[1].strip().split(None, 1)
    if words == ["default"]:
        return "default"
    if len(words) == 2 and words[0] == "profile":
        return words[1].strip().strip("\"'")
    return None


def _block(profiles: Sequence[Profile]) -> list[str]:
    lines = [BEGIN]
    for profile in profiles:
        if not _NAME.fullmatch(profile.name):
            raise UsageError(f"{profile.name} cannot be the name of a profile.")
        lines += [f"[profile {profile.name}]", f"credential_process = {_command_line(profile.command)}"]
    return [*lines, END]


def _command_line(words: Sequence[str]) -> str:
    """Words as AWS SDKs split them: a shell is in it for some and not for others, so that only quotes are safe.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    """
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:=@%+,-]+", word):
        return word
    # The JavaScript SDK takes a sign after a blank for the start of a comment, quoted or not.
    if not word.isprintable() or re.search(r"[\"'\\$`!]|\s[#;]", word):
        raise UsageError(f"{word} cannot be written into ~/.aws/config: SDKs differ in how they read its characters.")
    return f'"{word}"'
