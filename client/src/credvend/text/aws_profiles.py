"""Profiles in the text of `~/.aws/config`, one for each role, between two comments that say whose they are.

What is outside of the comments stays as it is, byte for byte, but for what `aws configure set` put on the wrong side of
one. Of what is between them, the commands are credvend's and written anew; what others set in its profiles stays. Each
named service has comments of its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from credvend.errors import UsageError
from credvend.text.aws_config import Section, lines, sections

# A line with `:` or `=` would be a setting to `aws configure set`, which puts its own behind the last one of a section.
_BEGIN = "# >>> {name} >>> `credvend configure --profiles` writes these anew; what you set in a profile stays"
_END = "# <<< {name} <<<"
_MARK = re.compile(r"\s*#\s*(>>>|<<<) credvend(?: ([A-Za-z0-9][\w.-]*))?\s*(?:[:<>].*)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@%+,-]*")
# What credvend sets.
_COMMAND = "credential_process"
_OURS = (_COMMAND, "region")


@dataclass(frozen=True)
class Profile:
    """A section: its name, the command that its credentials come from, in words, and its region, if it has one."""

    name: str
    command: Sequence[str]
    region: str | None = None


@dataclass(frozen=True)
class _Parts:
    """A text, taken apart.

    Attributes:
        before, after: what is others'.
        found: whether there is a block of the service.
        ours: its sections.
        is_last_line: whether the block ends the text, without an end of its line.
    """

    before: str
    after: str
    found: bool = False
    ours: tuple[Section, ...] = ()
    is_last_line: bool = False


def begin(service: str = "") -> str:
    """The comment before the profiles of a service; of the one without a name, unless another is named."""
    return _BEGIN.format(name=f"credvend {service}".strip())


def end(service: str = "") -> str:
    """The comment behind them."""
    return _END.format(name=f"credvend {service}".strip())


def may_begin(prefix: str) -> bool:
    """Whether names of profiles may begin so."""
    return _NAME.fullmatch(prefix) is not None


def names_outside(content: bytes, service: str = "") -> set[str]:
    """The profiles that are somebody else's. A second section of a name would make the whole file invalid."""
    parts = _apart(_text(content), service)
    return {name for section in sections(parts.before + parts.after) for name in section.profile_names()}


def names_with_keys(content: bytes) -> set[str]:
    """The profiles of a credentials file. SDKs take its keys before any `credential_process` of that name."""
    return {name for section in sections(_text(content)) for name in section.names() | section.profile_names()}


def regions_inside(content: bytes, service: str = "") -> dict[str, str]:
    """The regions that the profiles of a service have, by whomever."""
    found = ((section.profile_names(), section.value("region")) for section in _apart(_text(content), service).ours)
    return {name: region for names, region in found if region for name in names}


def with_profiles(content: bytes, profiles: Sequence[Profile], service: str = "") -> bytes:
    """The content with these profiles instead of those that credvend wrote; what is new goes at the end.

    Args:
        service: the named service that they are of.

    Raises:
        UsageError: the comments are not pairs; or a profile cannot be written.
    """
    text = _text(content)
    parts = _apart(text, service)
    before, after = parts.before, parts.after
    ending = "\r\n" if "\r\n" in text else "\n"
    block = "".join(_block(profiles, parts.ours, service, ending)) if profiles else ""
    if not parts.found:
        if not block:
            return content
        if before and not before.endswith(("\n", "\r")):
            before += ending
        if before.strip():
            before += ending  # a line apart, whatever there is
    elif not block and before.strip() and before.endswith(("\n" + ending, "\n\n")):
        before = before[: -len(ending)] if before.endswith(ending) else before[:-1]  # which goes with it
    elif block and parts.is_last_line:
        block = block[: -len(ending)]
    return (before + block + after).encode("utf-8", "surrogateescape")


def difference(path: str, old: bytes, new: bytes) -> str:
    """What would change, as `diff -u` shows it. No line around it, and no value but of our own: they may be secrets."""
    changed = difflib.unified_diff(
        _text(old).splitlines(), _text(new).splitlines(), path, f"{path} (new)", lineterm="", n=0
    )
    # Nothing of the file gets to steer the terminal.
    return "\n".join(re.sub(r"[^\t\x20-\x7e\xa0-\uffff]", "?", _without_value(line)) for line in changed)


def _without_value(line: str) -> str:
    found = re.match(r"([+-]\s*([^\s=:#;\[][^=:]*?)\s*[=:])", line)
    if found is None or found[2].lower() in _OURS or line.startswith(("+++ ", "--- ")):
        return line
    return f"{found[1]} ..."


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _apart(text: str, service: str) -> _Parts:
    """What is before the service's block, in it, and after it, with each setting in the section that it is of.

    Raises:
        UsageError: the comments are not pairs, one for each service.
    """
    all_lines = lines(text)
    found = [(number, _MARK.fullmatch(line.strip())) for number, line in enumerate(all_lines)]
    marks = [(number, mark[1], mark[2] or "") for number, mark in found if mark is not None]
    begins, ends = marks[::2], marks[1::2]
    names = [name for _, _, name in begins]
    if (
        [sign for _, sign, _ in marks] != [">>>", "<<<"] * len(begins)
        or names != [name for _, _, name in ends]
        or len(set(names)) != len(names)
    ):
        raise UsageError(
            "The comments `# >>> credvend` and `# <<< credvend` in ~/.aws/config are not one pair any more: "
            "repair them, or remove them with what is between."
        )
    if service not in names:
        return _Parts(text, "")
    first, last = begins[names.index(service)][0], ends[names.index(service)][0]
    before, after = "".join(all_lines[:first]), "".join(all_lines[last + 1 :])
    # Above the next header, it is a setting of our last profile, wherever the comment stands.
    behind, *rest = sections(after)
    strays = [line.text for line in behind.body if line.key is not None]
    after = "".join(line.text for line in behind.body if line.key is None) + "".join(each.text for each in rest)
    inside = "".join(_ended(line) for line in (*all_lines[first + 1 : last], *strays))
    above, *within = sections(inside)
    # Above our first header, it is a setting of the section before.
    before += "".join(line.text for line in above.body if line.key is not None)
    ours = tuple(section for section in within if _is_ours(section))
    others = "".join(section.text for section in within if not _is_ours(section))
    is_last_line = not after and not others and not all_lines[-1].endswith("\n") and not strays
    return _Parts(before, others + after, True, ours, is_last_line)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else line + "\n"


def _is_ours(section: Section) -> bool:
    return bool(section.profile_names()) and "credvend" in (section.value(_COMMAND) or "")


def _block(profiles: Sequence[Profile], old: Sequence[Section], service: str, ending: str) -> Iterable[str]:
    yield begin(service) + ending
    for profile in profiles:
        if not _NAME.fullmatch(profile.name):
            raise UsageError(f"{profile.name} cannot be the name of a profile.")
        yield f"[profile {profile.name}]{ending}"
        yield f"{_COMMAND} = {' '.join(map(_quoted, profile.command))}{ending}"
        if profile.region is not None:
            yield f"region = {profile.region}{ending}"
        yield from _of_others(section for section in old if profile.name in section.profile_names())
    # Behind it `aws configure set` puts what is new in the last profile, so that it is still within the comments.
    yield ending
    yield end(service) + ending


def _of_others(found: Iterable[Section]) -> Iterable[str]:
    """What others set in a profile, each setting once; and their comments."""
    known: set[str | None] = set(_OURS)
    kept: str | None = None
    for line in (line for section in found for line in section.body if line.text.strip()):
        if line.begins:
            kept = None if line.key in known else line.key
            known.add(line.key)
        if line.key == kept or line.key is None:
            yield line.text


def _quoted(word: str) -> str:
    """A word as AWS SDKs split them: a shell is in it for some and not for others, so that only quotes are safe.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    """
    if re.fullmatch(r"[A-Za-z0-9_./:=@%+,-]+", word):
        return word
    # The JavaScript SDK takes a sign after a blank for the start of a comment, quoted or not.
    if not word.isprintable() or re.search(r"[\"'\\$`!]|\s[#;]", word):
        raise UsageError(f"{word} cannot be written into ~/.aws/config: SDKs differ in how they read its characters.")
    return f'"{word}"'
