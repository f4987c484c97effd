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

from chalicelib.callers.caller import Caller, NameParts

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (RoleSessionName, SourceIdentity)
MAXIMUM_CHARACTERS: Final = 64
# 130 bits. With 80, a search for any two names of one's own that are the same would be within reach.
_HASH_CHARACTERS: Final = 26
_LEFT_OUT: Final = ".."

_EXACT = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9_+=,.@-]", re.ASCII)


def session_name(caller: Caller) -> str:
    """RoleSessionName and SourceIdentity for a caller: 2 to 64 characters of `[A-Za-z0-9_+=,.@-]`.

    The exact form reads back from both ends: the kind up to the first `=`; of IAM callers the account (and partition)
    after the last `@`.
    """
    parts = caller.name_parts
    if parts.exact is not None and _EXACT.fullmatch(parts.exact):
        return parts.exact
    room = MAXIMUM_CHARACTERS - len(f"{parts.prefix}--") - _HASH_CHARACTERS
    label = _fitted(parts.told, room)
    if len(label) + 1 < room:  # or nothing but a separator would be added
        label += parts.label
    return f"{parts.prefix}-{_FOREIGN.sub('_', label)[:room]}-{_hash(caller.kind, parts)}"


def _fitted(told: tuple[str, ...], room: int) -> str:
    """The parts side by side; where they do not fit, the longest lose their middle, down to one length."""
    limit = room
    while sum(min(len(part), limit) for part in told) + len(told) - 1 > room:
        limit -= 1
    return "_".join(part if len(part) <= limit else _without_middle(part, limit) for part in told)


def _without_middle(text: str, characters: int) -> str:
    tail = (characters - len(_LEFT_OUT)) // 2
    return text[: characters - len(_LEFT_OUT) - tail] + _LEFT_OUT + text[-tail:]


def identity_hash(caller: Caller) -> str:
    """26 characters of base32 (130 bits) that stand for the whole identity."""
    return _hash(caller.kind, caller.name_parts)


def _hash(kind: str, parts: NameParts) -> str:
    # JSON of a list has one reading only: no choice of names can move text from one field to the next.
    whole = json.dumps([kind, *parts.identity]).encode("ascii")
    digest = hashlib.sha256(whole).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:_HASH_CHARACTERS]
