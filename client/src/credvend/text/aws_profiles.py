"""Profiles in the text of `~/.aws/config`, one for each role, between two comments that say whose they are.

What is outside of the comments stays as it is, byte for byte. What is between them is credvend's, and is written anew.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from credvend.errors import UsageError

BEGIN = "# >>> credvend: written by `credvend configure --profiles`; changes in here are lost >>>"
END = "# <<< credvend <<<"
_BEGIN = re.compile(r"\s*#\s*>>> credvend\b.*")
_END = re.compile(r"\s*#\s*<<< credvend\b.*")
_SECTION = re.compile(r"\[(.+)\]\s*(?:[#;].*)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@%+,-]*")


@dataclass(frozen=True)
class Profile:
    """A section: its name, and the command that its credentials come from, in words."""

    name: str
    command: Sequence[str]


def may_begin(prefix: str) -> bool:
    """Whether names of profiles may begin so."""
    return _NAME.fullmatch(prefix) is not None


def names_outside(content: bytes) -> set[str]:
    """The profiles that are somebody else's. A second section of a name would make the whole file invalid."""
    before, _, after = _split(_text(content))
    return {name for line in _lines(before + after) for name in [_profile_name(line)] if name is not None}


def names_with_keys(content: bytes) -> set[str]:
    """The profiles of a credentials file. SDKs take its keys before any `credential_process` of that name."""
    found = (_SECTION.fullmatch(line.strip()) for line in _lines(_text(content)))
    return {re.sub(r"^profile\s+", "", each[1].strip()).strip("\"'") for each in found if each is not None}


def with_profiles(content: bytes, profiles: Sequence[Profile]) -> bytes:
    """The content with these profiles instead of those that credvend wrote; what is new goes at the end.

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
