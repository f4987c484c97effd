"""Names of sessions, made from the caller alone: readable where that is exact, and never shared by two callers.

Two forms, told apart by the character after the kind, so that neither can be mistaken for the other:

- `user=alice@111122223333` says everything there is to know about the caller, and can be read back.
- `user-alice-x7k2...` is for callers that do not fit: what people recognise, then 130 bits of a SHA-256 over
  the whole identity.
"""

import base64
import hashlib
import json
import re
from typing import Final

from chalicelib.callers.sigv4 import Caller, FederatedUser, IamRoleSession, IamUser, OidcSubject, ServiceToken

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (RoleSessionName, SourceIdentity)
MAXIMUM_CHARACTERS: Final = 64
# 130 bits. With 80, a search for any two names of one's own that are the same would be within reach.
_HASH_CHARACTERS: Final = 26

_EXACT = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9_+=,.@-]", re.ASCII)
_ISSUER = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_PARTITION = re.compile(r"aws(?:-[a-z]+)*", re.ASCII)


def session_name(caller: Caller) -> str:
    """RoleSessionName and SourceIdentity for a caller: 2 to 64 characters of `[A-Za-z0-9_+=,.@-]`."""
    return _readable(caller) or _hashed(caller)


def identity_hash(caller: Caller) -> str:
    """26 characters of base32 (130 bits) that stand for the whole identity."""
    # JSON of a list has one reading only: no choice of names can move text from one field to the next.
    whole = json.dumps([caller.kind, *_parts(caller)]).encode("ascii")
    digest = hashlib.sha256(whole).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:_HASH_CHARACTERS]


def _readable(caller: Caller) -> str | None:
    """The exact form, or None where it would not be exact.

    It reads back from both ends: the kind up to the first `=`; the account (and partition) after the last `@`,
    which holds no `@` itself; for roles the role's name up to the next `=`, hence names with `=` do not fit.
    """
    if isinstance(caller, ServiceToken):
        text = f"token={caller.name}"
        return text if caller.name and _EXACT.fullmatch(text) else None
    if isinstance(caller, OidcSubject):
        text = f"oidc={caller.issuer}={caller.subject}"  # the issuer's name holds no `=`
        return text if caller.subject and _ISSUER.fullmatch(caller.issuer) and _EXACT.fullmatch(text) else None
    if _ACCOUNT.fullmatch(caller.account) is None or _PARTITION.fullmatch(caller.partition) is None:
        return None
    home = caller.account + caller.partition.removeprefix("aws")
    match caller:
        case IamUser(path="/", name=name) if name:
            text = f"user={name}@{home}"
        case IamRoleSession(role_name=role, session_name=session) if role and session and "=" not in role:
            text = f"role={role}={session}@{home}"
        case FederatedUser(name=name) if name:
            text = f"fed={name}@{home}"
        case _:
            return None
    return text if _EXACT.fullmatch(text) else None


def _hashed(caller: Caller) -> str:
    match caller:
        case IamUser():
            kind, label = "user", caller.name
        case IamRoleSession():
            # The session tells who it is, the role only what they came as: cut the role first.
            kind, label = "role", f"{caller.session_name}@{caller.role_name}"
        case FederatedUser():
            kind, label = "fed", caller.name
        case OidcSubject():
            kind, label = "oidc", f"{caller.subject}@{caller.issuer}"
        case ServiceToken():
            kind, label = "token", caller.name
    room = MAXIMUM_CHARACTERS - len(f"{kind}--") - _HASH_CHARACTERS
    return f"{kind}-{_FOREIGN.sub('_', label)[:room]}-{identity_hash(caller)}"


def _parts(caller: Caller) -> list[str]:
    """What makes this caller another than all others of its kind.

    The principal id is not part of it: a name is used by one principal at a time, and the audit record holds the id.
    """
    match caller:
        case IamUser():
            return [caller.partition, caller.account, caller.path, caller.name]
        case IamRoleSession():
            return [caller.partition, caller.account, caller.role_name, caller.session_name]
        case FederatedUser():
            return [caller.partition, caller.account, caller.name]
        case OidcSubject():
            return [caller.issuer, caller.subject]
        case ServiceToken():
            return [caller.name]
