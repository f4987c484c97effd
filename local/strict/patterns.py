"""Patterns of AWS's models are Java's; these are the same ones for Python's `re`."""

import re
import sys
import unicodedata
from functools import cache
from typing import Final

# Characters beyond the first 65,536, as some models write their range: with five digits, and as pairs of surrogates.
_BEYOND: Final = ("\\u10000-\\u10FFFF", "\\uD800\\uDC00-\\uDBFF\\uDFFF")


@cache
def matcher(pattern: str) -> re.Pattern[str]:
    """To be used with `fullmatch`: the service wants the whole value to fit."""
    for beyond in _BEYOND:
        pattern = pattern.replace(beyond, "\\U00010000-\\U0010FFFF")
    pattern = pattern.replace("\\w-_", "\\w\\-_").replace("\\p{Print}", "[ -~]")
    for letter in ("L", "N", "Z"):
        if f"\\p{{{letter}}}" in pattern:
            pattern = pattern.replace(f"\\p{{{letter}}}", _of_category(letter))
    return re.compile(pattern, re.ASCII)


@cache
def _of_category(letter: str) -> str:
    """All characters of a Unicode category, as ranges for the inside of brackets."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] == letter:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
