"""Which patterns of `like` are written in another language? Cedar's know `*` alone, for any characters or none.

https://docs.cedarpolicy.com/policies/syntax-operators.html#like-string-matching-with-wildcard
"""

import re
from collections.abc import Iterator
from typing import Final

from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.configuration.policy_text import text_of
from chalicelib.decisions.indexed_policy import PolicyJson

# What hardly any text holds that is meant as it stands. `.*` behind a letter or a digit may be: `10.0.*`.
_REGULAR_EXPRESSIONS: Final = re.compile(
    r"""\A\^ | \$\Z            # anchors
    | \[(?:\^|[A-Za-z0-9]-[A-Za-z0-9]|\\.)[^\]]*\]   # [0-9], [^/], [\w-]
    | (?<![A-Za-z0-9])\.\*     # .*, where no name stands before the point
    | \.\+                     # .+
    | \\[dwsDWSb]               # classes
    | [\])]\+                   # repetition
    | \{[0-9]+(?:,[0-9]*)?\}
    | \([^()]*\|[^()]*\)        # alternatives
    """,
    re.VERBOSE | re.ASCII,
)
_OTHERS: Final = re.compile(r"\?\?|\A%|%\Z", re.ASCII)


def pattern_warnings(policy: PolicyJson) -> Iterator[str]:
    """A line for each pattern that looks like a regular expression, or like one of a shell or of SQL."""
    for comparison in comparisons_in(policy["conditions"]):
        match comparison:
            case {"like": {"pattern": list(pattern)}}:
                text = "".join(part["Literal"] if isinstance(part, dict) else "*" for part in pattern)
                if _REGULAR_EXPRESSIONS.search(text):
                    yield f"`{text_of(comparison)}` is no regular expression: in `like`, only `*` has a meaning"
                elif _OTHERS.search(text):
                    yield f"`{text_of(comparison)}`: in `like`, only `*` has a meaning"
