"""What can be read: the short way for ASCII says what the long one would."""

import unicodedata

from chalicelib.text.printable import is_printable_line, is_visible


def test_of_ascii_only_controls_cannot_be_printed_and_only_blanks_cannot_be_seen() -> None:
    for character in map(chr, range(128)):
        assert is_printable_line(character) is (unicodedata.category(character) != "Cc")
        assert is_visible(character) is not character.isspace()
        # With a letter beyond ASCII, the long way is gone.
        assert is_printable_line(f"é{character}") is is_printable_line(character)
        assert is_visible(f"\u3164{character}") is is_visible(character)
    assert is_printable_line("") and not is_visible("")
