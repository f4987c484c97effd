"""Which texts in policies look like others than they are?

Cedar's validator has such checks, which cedarpy does not pass on: https://docs.cedarpolicy.com/policies/validation.html
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

# Whose letters look like Latin ones: https://www.unicode.org/reports/tr39/
_LOOKING_ALIKE: Final = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE"})
_WORD: Final = re.compile(r"[^\W\d_]+")


def texts_in(node: object) -> Iterator[str]:
    """Each text and each id of a part of a policy, in Cedar's JSON."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            text = one.get("Value", one.get("id") if isinstance(one.get("type"), str) else None)
            if isinstance(text, str):
                yield text
            else:
                left += reversed(one.values())
        elif isinstance(one, list):
            left += reversed(one)


def oddity(text: str) -> str | None:
    """What is odd about a text, as the end of a sentence that begins with it."""
    hidden = next((one for one in text if not one.isprintable()), None)
    if hidden is not None:
        return f"holds {unicodedata.name(hidden, f'U+{ord(hidden):04X}')}, which nobody sees"
    for word in _WORD.findall(text):
        scripts = sorted({_script(letter) for letter in word} & _LOOKING_ALIKE)
        if len(scripts) > 1:
            return f"mixes letters that look alike in one word: {' and '.join(scripts)}"
    return None


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
