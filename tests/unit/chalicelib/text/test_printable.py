"""Whoever pastes a mark that cannot be seen is told which; nobody is refused for the script they write in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.text.printable import is_printable_line, is_visible, unprintable

# Joins emoji and letters, and signs that are seen although Unicode files them with what is not.
TAKEN = "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("INC-\u200b42", "U+200B ZERO WIDTH SPACE (character 5)"),
        ("\ufeffx", "U+FEFF ZERO WIDTH NO-BREAK SPACE (character 1)"),
        ("a\u00adb", "U+00AD SOFT HYPHEN (character 2)"),
        ("a\u2060b", "U+2060 WORD JOINER (character 2)"),
        ("\u202edeirt", "U+202E RIGHT-TO-LEFT OVERRIDE (character 1)"),
        ("a\nb", "U+000A LINE FEED (character 2)"),
        ("a\x07b", "U+0007 a control character (character 2)"),
        ("a\u2028b", "U+2028 LINE SEPARATOR (character 2)"),
        ("\ue000", "U+E000 a character of private use (character 1)"),
        ("\ud800", "U+D800 half of a surrogate pair (character 1)"),
        ("a\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A (character 2)"),
    ],
)
def test_what_cannot_be_seen_is_named_with_its_place(text: str, shown: str) -> None:
    assert unprintable(text) == unprintable(text, prose=True) == shown
    assert shown.isascii()


@pytest.mark.parametrize(
    "text", ["תיקון תקלה 42", "إصلاح الخادم ٤٢", "شָלום", "می\u200cخواهم", "\u0600 12", "ދިވެހި", "a\u00a0b", "naïve – “x”"]
)
def test_every_script_can_be_written(text: str) -> None:
    assert is_printable_line(text) and unprintable(text, prose=True) is None


def test_right_to_left_prose_may_hold_what_its_keyboards_write_and_names_may_not() -> None:
    for mark, name in (("\u200e", "LEFT-TO-RIGHT MARK"), ("\u200f", "RIGHT-TO-LEFT MARK"), ("\u061c", "ARABIC LETTER")):
        for text in (f"INC-42{mark} תיקון", f"{mark}إصلاح v2{mark}"):
            assert unprintable(text, prose=True) is None
            assert name in str(unprintable(text)) and not is_printable_line(text)
        # Where nothing is written from the right, the mark is only invisible.
        assert name in str(unprintable(f"INC-{mark}42", prose=True))


@pytest.mark.parametrize("control", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_what_turns_other_text_round_is_taken_in_no_script(control: str) -> None:
    assert unicodedata.name(control) in str(unprintable(f"תיקון {control}42", prose=True))


@given(st.text())
def test_a_line_is_printable_by_the_categories_of_unicode(text: str) -> None:
    invisible = [
        character
        for character in text
        if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and character not in TAKEN
    ]
    assert is_printable_line(text) == (not invisible)


def test_of_ascii_only_controls_cannot_be_printed_and_only_blanks_cannot_be_seen() -> None:
    for character in map(chr, range(128)):
        assert is_printable_line(character) is (unicodedata.category(character) != "Cc")
        assert is_visible(character) is not character.isspace()
        # With a letter beyond ASCII, the long way is gone.
        assert is_printable_line(f"é{character}") is is_printable_line(character)
        assert is_visible(f"\u3164{character}") is is_visible(character)
    assert is_printable_line("") and not is_visible("")
