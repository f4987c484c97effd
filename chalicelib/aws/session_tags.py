"""What may stand in a session tag: the limits of STS, told before STS is asked.

https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

from chalicelib.text.printable import named

MAXIMUM_TAGS: Final = 50
KEY_CHARACTERS: Final = 128
VALUE_CHARACTERS: Final = 256
# Those that credvend sets itself, from the verified caller alone.
OWN_KEYS: Final = ("credvend:caller", "credvend:request", "credvend:role")
# Of these, those by which sessions are revoked. Such tags are inherited by sessions that are chained, and cannot be
# replaced there: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
TRANSITIVE_KEYS: Final = ("credvend:caller", "credvend:request")
_RESERVED: Final = ("aws:", "credvend:")
_PUNCTUATION: Final = frozenset("_.:/=+-@")


def check_key(key: str) -> None:
    """Whether a tag may have this key.

    Raises:
        ValueError: it may not; completes "The tag key ...".
    """
    if not 1 <= len(key) <= KEY_CHARACTERS:
        raise ValueError(f"must have 1 to {KEY_CHARACTERS} characters")
    if not is_tag_text(key):
        raise ValueError("must be letters, digits, spaces and `_.:/=+-@`")
    if key.lower().startswith(_RESERVED):
        raise ValueError("must not begin with `aws:` or `credvend:`, which are reserved")


def check_value(value: str) -> None:
    """Whether a tag may have this value.

    Raises:
        ValueError: it may not; completes "The value of tag ...".
    """
    if len(value) > VALUE_CHARACTERS:
        raise ValueError(f"has {len(value)} characters, and STS takes {VALUE_CHARACTERS}")
    if value.lower().startswith("aws:"):
        raise ValueError("begins with `aws:`, which is reserved")
    for place, character in enumerate(value, start=1):
        if not _is_taken(character):
            raise ValueError(
                f"holds a character that STS does not take, {named(character)} (character {place}): letters, digits, "
                "spaces and `_.:/=+-@` are taken"
            )


def is_tag_text(text: str) -> bool:
    """Whether all characters are letters, digits or spaces of any script, or one of `_.:/=+-@`."""
    return all(map(_is_taken, text))


def _is_taken(character: str) -> bool:
    # Separators that end a line are left out: STS would take them, and people could not see them.
    category = unicodedata.category(character)
    return character in _PUNCTUATION or category[0] in "LN" or category == "Zs"


def twice(keys: Iterable[str]) -> str | None:
    """A key that is there already in another case, or None: to STS, keys that differ in case alone are the same."""
    seen: set[str] = set()
    for key in keys:
        if key.lower() in seen:
            return key
        seen.add(key.lower())
    return None
