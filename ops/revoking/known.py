"""Names that credvend knows, of which one may be meant that differs only in case: a block of another hits nobody.

IAM lets no two users, and no two roles, of an account have names that differ only in case; blocks, as everything in
credvend, tell case apart: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.configuration.trusted_issuers import load_trusted_issuers
from chalicelib.errors import ConfigError
from chalicelib.ledger.entry import Entry
from chalicelib.ledger.reading import Wanted
from ops.blocking.named import Kind
from ops.iam.principals import iam_role, role_of_session
from ops.ledger.sessions import AHEAD_SECONDS, Sessions

# Who has asked for nothing for longer is not looked for; nor is it in more sessions than take seconds to read.
_DAYS: Final = 7
_MOST_READ: Final = 5000


def meant(name: str, known: Iterable[str]) -> str | None:
    """The one that differs from a name only in case; None: there is none, or the name itself is known."""
    alike = {one for one in known if one.casefold() == name.casefold()}
    return None if name in alike else min(alike, default=None)


def configured(config: Path, kind: Kind, name: str) -> Iterator[str]:
    """What a configuration directory knows of a kind. One that cannot be read knows nothing.

    Of a caller, it knows the issuer: with it, the name would be as it says.
    """
    try:
        if kind == "role":
            yield from (role.name for role in read_catalog(config / "roles.yaml").roles)
            return
        issuers = list(load_trusted_issuers(config, allow_loopback_http=True))
    except (ConfigError, OSError):
        return
    scheme, _, rest = name.partition(":")
    if kind == "issuer":
        yield from issuers
    elif scheme == "oidc":
        yield from (f"oidc:{issuer}:{rest.partition(':')[2]}" for issuer in issuers)


def in_ledger(sessions: Sessions, kind: Kind, name: str) -> Iterator[str]:
    """What the sessions of the last days know of a kind: first those of the name itself, where there are any.

    Raises:
        OperationFailed: they cannot be read.
    """
    until = (sessions.operator.now() + AHEAD_SECONDS) * 1000
    every = Wanted(since=until - (_DAYS * 86_400 + AHEAD_SECONDS) * 1000, until=until)
    role = iam_role(name)
    own = replace(every, role=name) if kind == "role" else replace(every, caller=name)
    if kind == "role" or (kind == "caller" and role is None):
        found = next(sessions.find(own), None)
        if found is not None:
            yield name
            return
    for entry in islice(sessions.find(every), _MOST_READ):
        yield from _names(entry, kind, of_role=role is not None)


def _names(entry: Entry, kind: Kind, *, of_role: bool) -> Iterator[str]:
    match kind:
        case "role":
            yield entry.role
        case "issuer":
            if entry.caller.startswith("oidc:"):
                yield entry.caller.split(":")[1]
        case "caller":
            behind = role_of_session(entry.caller)
            if of_role and behind is not None:
                yield behind
            elif not of_role:
                yield entry.caller
