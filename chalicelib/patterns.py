"""Which characters does a regular expression name? Those that somebody thought of when they wrote it.

That `.` or `[^,]` matches a `/` too is no sign that values with a `/` are meant; `[a-z]+/[a-z]+` is one.
"""

import re
from functools import cache

# An escape, a set, what is syntax, or a character that stands for itself.
_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|\(\?P?<\w+>|\(\?#[^)]*\)|\(\?[^:)=!<>]*(?:<?[=!]|[:>])?|\{[0-9,]*\}|[.^$*+?{}()|]|(?P<plain>.)",
    re.DOTALL,
)
_RANGE_OR_CLASS = re.compile(r"(?:\\.|[^\\])-(?:\\.|[^\\])|\\[A-Za-z0-9]", re.DOTALL)


@cache
def named_characters(pattern: str) -> frozenset[str]:
    """The characters that stand in a valid pattern for themselves. Those of ranges and classes are not among them."""
    named: set[str] = set()
    for token in _TOKEN.finditer(pattern):
        if token["escape"]:
            named.update(token["escape"][1:] if not token["escape"][1].isalnum() else "")
        elif token["set"] and not token["set"].startswith("[^"):
            named.update(_RANGE_OR_CLASS.sub("", token["set"][1:-1]))
        elif token["plain"]:
            named.add(token["plain"])
    return frozenset(named)
