"""Can people read it? Text from strangers that goes into logs, where it must not look like other text."""

import unicodedata
from typing import Final

# Controls, halves of surrogate pairs, private and invisible characters, line ends: https://www.unicode.org/reports/tr44
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
# Invisible, but scripts and emoji need them to join characters.
_JOINERS: Final = frozenset("\u200c\u200d")
# Signs before numbers in Arabic and Syriac, and alike: of the category Cf, and to be seen.
# https://www.unicode.org/reports/tr44/#Prepended_Concatenation_Mark
_SIGNS_BEFORE_NUMBERS: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# What keyboards put between Hebrew or Arabic and other text. Unlike the other marks of direction, they move no text
# that a letter of those scripts would not move: https://www.unicode.org/reports/tr9/#Implicit_Directional_Marks
_DIRECTION_MARKS: Final = frozenset("\u200e\u200f\u061c")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})
# Letters by category, and blank: the fillers of Hangul.
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
# Controls have no names of their own: https://www.unicode.org/Public/UCD/latest/ucd/NameAliases.txt
_CONTROLS: Final = {"\0": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\x1b": "ESCAPE"}
_KINDS: Final = {"Cc": "a control character", "Co": "a character of private use", "Cs": "half of a surrogate pair"}


def is_printable_line(text: str) -> bool:
    """Whether each character can be seen, or joins others, and all are on one line."""
    return unprintable(text) is None


def unprintable(text: str, *, prose: bool = False) -> str | None:
    """The first character that is no part of a printable line, as `U+200B ZERO WIDTH SPACE (character 5)`, or None.

    Args:
        prose: it is for people, and no name: then right-to-left text may hold its marks of direction.
    """
    if text.isprintable():
        return None
    taken = _JOINERS | _SIGNS_BEFORE_NUMBERS
    if prose and any(
        unicodedata.bidirectional(character) in _RIGHT_TO_LEFT and character not in _DIRECTION_MARKS
        for character in text
    ):
        taken |= _DIRECTION_MARKS
    for place, character in enumerate(text, start=1):
        if unicodedata.category(character) in _UNPRINTABLE and character not in taken:
            return f"{named(character)} (character {place})"
    return None


def named(character: str) -> str:
    """A character in printable ASCII: its code point, and what Unicode calls it."""
    name = unicodedata.name(character, "") or _CONTROLS.get(character) or _KINDS.get(unicodedata.category(character))
    return f"U+{ord(character):04X} {name or 'without a name'}"


def is_visible(text: str) -> bool:
    """Whether there is anything to be seen."""
    if text.isascii():
        return bool(text.strip())
    return any(not (character.isspace() or character in _BLANK_LETTERS | _JOINERS) for character in text)


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit to be seen."""
    return any(character.isalnum() and character not in _BLANK_LETTERS for character in text)
