"""A caller, as it is written on a command line: short where that says enough, else as a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from chalicelib.callers.oidc.issuer import ClaimPath
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.entry_problems import field_message
from chalicelib.errors import ConfigError
from chalicelib.text.likeness import did_you_mean, nearest
from ops.deciding.described import CallerEntry, NotDescribed, find_issuer
from ops.documents.yaml_document import read_yaml

_OIDC: Final = "oidc:"
_TOKEN: Final = "token:"  # noqa: S105 how such callers are called


class MoreOfCaller(NamedTuple):
    """What is said of a caller besides who it is.

    Attributes:
        groups: of an OIDC subject.
        claims: the same: each `NAME=TEXT`, or `NAME:=JSON`.
        owner: of an API token.
        tags: the same.
    """

    groups: Sequence[str] = ()
    claims: Sequence[str] = ()
    owner: str | None = None
    tags: Mapping[str, str] = {}


def caller_entry(
    text: str, more: MoreOfCaller, named: Mapping[str, CallerEntry], configuration: Configuration
) -> CallerEntry:
    """The caller that a text means: an ARN, `oidc:ISSUER:SUBJECT`, `token:NAME`, a name, or a file.

    Args:
        named: callers that have a name in tests.

    Raises:
        NotDescribed: it means nobody.
    """
    kind = _OIDC if text.startswith(_OIDC) else _TOKEN if text.startswith(_TOKEN) else ""
    if (more.groups or more.claims) and kind != _OIDC:
        raise NotDescribed("--group and --claim are of a caller oidc:ISSUER:SUBJECT")
    if (more.owner is not None or more.tags) and kind != _TOKEN:
        raise NotDescribed("--owner and --token-tag are of a caller token:NAME")
    if kind == _OIDC:
        return _subject(text, more, configuration)
    if kind == _TOKEN:
        return CallerEntry(token=text.removeprefix(_TOKEN), owner=more.owner, tags=dict(more.tags))
    if text in named:
        return named[text]
    if text.startswith("arn:"):
        return CallerEntry(arn=text)
    if Path(text).is_file():
        return _of_file(Path(text))
    raise NotDescribed(
        f"{text!r} is no caller: write an ARN, oidc:ISSUER:SUBJECT, token:NAME, a name of `callers` in tests/, or a "
        f"file that describes it{did_you_mean(nearest(text, named))}"
    )


def _subject(text: str, more: MoreOfCaller, configuration: Configuration) -> CallerEntry:
    name, colon, subject = text.removeprefix(_OIDC).partition(":")
    if not colon or not subject:
        raise NotDescribed(f"{text!r} is no caller: write oidc:ISSUER:SUBJECT")
    issuer = find_issuer(configuration, name)
    claims = dict(map(_claim, more.claims))
    _put(claims, issuer.subject_claim, subject)
    if more.groups:
        if issuer.groups_claim is None:
            raise NotDescribed(f"--group: issuer {name} tells of no groups: its entry has no `groups_claim`")
        _put(claims, issuer.groups_claim, list(more.groups))
    return CallerEntry(issuer=name, claims=claims)


def _claim(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name.removesuffix(":"):
        raise NotDescribed(f"--claim {text!r}: write NAME=TEXT, or NAME:=JSON")
    if not name.endswith(":"):
        return name, value
    try:
        return name.removesuffix(":"), json.loads(value)
    except ValueError as error:
        raise NotDescribed(f"--claim {text!r}: what stands behind := is no JSON: {error}") from None


def _put(claims: dict[str, object], path: ClaimPath, value: object) -> None:
    """Put a value where an issuer has it."""
    holder = claims
    for step in path[:-1]:
        within = holder.setdefault(step, {})
        if not isinstance(within, dict):
            raise NotDescribed(f"--claim {step}: must be an object, for the issuer has {'.'.join(path)} in it")
        holder = within
    holder[path[-1]] = value


def _of_file(path: Path) -> CallerEntry:
    try:
        return msgspec.convert(read_yaml(path), CallerEntry, strict=True)
    except ConfigError as error:
        raise NotDescribed(str(error)) from None
    except msgspec.ValidationError as error:
        raise NotDescribed(f"{path.name}: {field_message(str(error), CallerEntry, {})}") from None
