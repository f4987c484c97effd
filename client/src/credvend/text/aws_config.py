"""The text of `~/.aws/config` and `~/.aws/credentials`, as those read it who have to.

botocore, and with it the aws command, takes Python's configparser as it is, and the whole file or nothing of it
(`botocore.configloader`). Other SDKs are lenient, and see a comment behind a header
(https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html). Where they differ, what either sees counts.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import NamedTuple

# As far as its first bracket, for SDKs; and as far as its last one, for configparser.
_HEADERS = (re.compile(r"\[([^\]]+)\]"), re.compile(r"\[(.+)\]"))


class Line(NamedTuple):
    """A line below a header.

    Attributes:
        key: the name of the setting that it is part of, in small letters; None for a comment or a blank line.
        begins: whether the setting begins here.
    """

    key: str | None
    begins: bool
    text: str


@dataclass(frozen=True)
class Section:
    """A header and what stands below it; without a header, what stands above the first one.

    Attributes:
        header: the line; empty for none.
        body: the lines below.
    """

    header: str
    body: tuple[Line, ...]

    @property
    def text(self) -> str:
        return self.header + "".join(line.text for line in self.body)

    def value(self, name: str) -> str | None:
        """The value of a setting, without a comment behind it; None if it is not there, or empty."""
        for line in self.body:
            if line.key == name:
                written = re.split(r"[=:]", line.text, maxsplit=1)[-1]
                return re.split(r"(?:^|\s)[#;]", written, maxsplit=1)[0].strip() or None
        return None

    def profile_names(self) -> set[str]:
        """The profile that it is, in each reading: `[profile NAME]`, or `[default]`."""
        names = set()
        for inside in self._inside():
            words = _words(inside)
            if words == ["default"]:
                names.add("default")
            elif len(words) > 1 and words[0].startswith("profile"):
                names.add(" ".join(words[1:]))
        return names

    def names(self) -> set[str]:
        """What it is called in each reading, as a profile of `~/.aws/credentials` is."""
        return {" ".join(_words(inside)) for inside in self._inside()}

    def _inside(self) -> set[str]:
        found = (pattern.match(self.header.strip()) for pattern in _HEADERS)
        return {each[1] for each in found if each is not None}


def sections(text: str) -> list[Section]:
    """The whole text, line by line as configparser takes it: their texts together are the text again."""
    found: list[tuple[str, list[Line]]] = [("", [])]
    key, indent = None, 0
    for line in lines(text):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            found[-1][1].append(Line(None, False, line))
            continue
        depth = len(line) - len(line.lstrip())
        if key is not None and depth > indent:  # it goes on with what is above, whatever it looks like
            found[-1][1].append(Line(key, False, line))
        elif _HEADERS[1].match(bare):
            found.append((line, []))
            key = None
        else:
            key, indent = re.split(r"[=:]", bare, maxsplit=1)[0].strip().lower(), depth
            found[-1][1].append(Line(key, True, line))
    return [Section(header, tuple(body)) for header, body in found]


def lines(text: str) -> list[str]:
    """Lines with their ends, where those who read the file see them: `str.splitlines` also splits at a form feed."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def region_in(text: str, profile: str, *, of_credentials: bool = False) -> str | None:
    """The region that a profile has in `~/.aws/config`, or in `~/.aws/credentials`; None for none."""
    for section in sections(text):
        if profile in (section.names() if of_credentials else section.profile_names()):
            region = section.value("region")
            if region is not None:
                return region
    return None


def problem(content: bytes) -> str | None:
    """Why the aws command could not read a file of this content, and where, or None. Nothing of it is quoted.

    The rules are those of botocore's `raw_config_parse`.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:200]:
        return "it is UTF-16, as PowerShell writes it: save it as UTF-8"
    if content.startswith(b"\xef\xbb\xbf"):
        return "it begins with a byte order mark: save it as UTF-8 without one"
    import configparser  # slow to import, and only for who writes

    parser = configparser.RawConfigParser()
    text = content.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    try:
        parser.read_string(text)
    except configparser.DuplicateSectionError as error:
        return f"line {error.lineno} begins a section that is there already"
    except configparser.DuplicateOptionError as error:
        return f"line {error.lineno} sets what its section has set already"
    except configparser.MissingSectionHeaderError as error:
        return f"line {error.lineno} stands in no section"
    except configparser.ParsingError as error:
        return f"line {error.errors[0][0]} is neither [section] nor name = value"
    for section in parser.sections():
        for name, value in parser.items(section):
            if value.startswith("\n") and any(line.strip() and "=" not in line for line in value.splitlines()):
                return f"a line below {name} in one of its sections is no name = value"
    return None


def _words(inside: str) -> list[str]:
    try:
        return shlex.split(inside)
    except ValueError:
        return inside.split()
