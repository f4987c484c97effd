"""What is a Cedar file made of? Its words and signs with their places, and its policies, be they right or wrong.

Cedar's parser knows where an error is, and cedarpy does not hand it on. So places are found here; what is right is for
Cedar alone to say.
"""

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

# Cedar's tokens: https://docs.cedarpolicy.com/policies/syntax-grammar.html. Beside them, whole, what other languages
# write in their place, and any other single character.
_PATTERN: Final = r"""
    (?P<gap>[\t-\r\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|//[^\n\r]*)
    |(?P<text>"(?:\\[^\n]|[^"\\%s])*")
    |(?P<word>\??[_a-zA-Z][_a-zA-Z0-9]*)
    |(?P<number>[0-9]+)
    |(?P<comment>/\*.*?\*/|\#[^\n]*)
    |(?P<quoted>'[^'\n]*'|[\u2018\u201a][^\u2018\u2019\n]*[\u2018\u2019]
        |["\u201c\u201d\u201e\u00ab][^"\u201c\u201d\u00bb\n]*[\u201c\u201d\u00bb]|[\u201c\u201d\u201e\u00ab][^"\n]*")
    |(?P<open>"[^\n]*)
    |(?P<sign>===|!==|<>|[=!<>]=|&&|\|\||::|[@.,;:(){}\[\]<>+*/%%!=-])
    |(?P<foreign>.)
"""
_TOKEN: Final = re.compile(_PATTERN % "", re.VERBOSE | re.DOTALL)
# Where the end of a text is missing, the next quote would be taken for it, and everything would be inside out.
_TOKEN_ON_ITS_LINE: Final = re.compile(_PATTERN % r"\n", re.VERBOSE | re.DOTALL)
# What no Cedar file may hold.
FOREIGN_KINDS: Final = frozenset({"comment", "quoted", "open", "foreign"})
# How policies begin, rightly or as other languages have it.
EFFECTS: Final = {"permit": "permit", "allow": "permit", "grant": "permit", "forbid": "forbid", "deny": "forbid"}


class Token(NamedTuple):
    """A word, a text, a number or a sign; `start` is its offset in the file."""

    kind: str
    text: str
    start: int


class Policy(NamedTuple):
    """The tokens of a policy, its semicolon included where it has one.

    Attributes:
        number: 1 for the first of the file.
    """

    number: int
    tokens: tuple[Token, ...]

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].start + len(self.tokens[-1].text)

    @property
    def label(self) -> str:
        """Its `@id`, or its place in the file."""
        texts = [token.text for token in self.tokens]
        for index in range(len(texts) - 3):
            if texts[index : index + 3] == ["@", "id", "("] and self.tokens[index + 3].kind in ("text", "quoted"):
                identifier = texts[index + 3][1:-1]
                if identifier and identifier.isprintable() and "\\" not in identifier:
                    return identifier
        return f"number {self.number}"


def policies_of(text: str) -> list[Policy]:
    """The policies of a Cedar text, each by itself, although some may be wrong."""
    policies: list[Policy] = []
    current: list[Token] = []
    effect = False
    depth = 0
    tokens = tokens_of(text)
    for token, following in itertools.zip_longest(tokens, tokens[1:]):
        # No policy holds these two but at its beginning: the semicolon before it is missing.
        begins = token.text == "@" or (
            depth <= 0 and _is_effect(token) and following is not None and following.text == "("
        )
        if effect and begins:
            policies.append(Policy(len(policies) + 1, tuple(current)))
            current, effect, depth = [], False, 0
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(token.text, 0)
        effect = effect or (_is_effect(token) and (not current or current[-1].text != "@"))
        current.append(token)
        if token.text == ";" or (token.kind == "open" and token.text.rstrip().endswith(";")):
            policies.append(Policy(len(policies) + 1, tuple(current)))
            current, effect, depth = [], False, 0
    if current:
        policies.append(Policy(len(policies) + 1, tuple(current)))
    return policies


def place(text: str, offset: int) -> str:
    """Line and column, for people: both begin with 1."""
    return f"line {line(text, offset)}, column {offset - text.rfind(chr(10), 0, offset)}"


def line(text: str, offset: int) -> int:
    """The line of an offset; the first is 1."""
    return bisect_left(_line_ends(text), offset) + 1


@lru_cache(1)
def _line_ends(text: str) -> tuple[int, ...]:
    """A file holds thousands of policies, each of which is asked for its line."""
    return tuple(match.start() for match in re.finditer("\n", text))


def _is_effect(token: Token) -> bool:
    return token.kind == "word" and token.text.lower() in EFFECTS


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text, be they Cedar's or not; blanks and comments are none."""
    found = list(_read(_TOKEN, text))
    return list(_read(_TOKEN_ON_ITS_LINE, text)) if any(token.kind == "open" for token in found) else found


def _read(pattern: re.Pattern[str], text: str) -> Iterator[Token]:
    for match in pattern.finditer(text):
        kind = match.lastgroup or ""
        if kind != "gap":
            yield Token(kind, match[0], match.start())
