"""What is a Cedar file made of? Its words and signs with their places, and its policies, be they right or wrong.

Cedar's parser knows where an error is, and cedarpy does not hand it on. So places are found here; what is right is for
Cedar alone to say.
"""

import itertools
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
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
# Where policies end, in a file that Cedar takes; what stands in texts and in comments is passed over.
_ENDS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n\r]*|(?P<end>;)', re.DOTALL)
# What stands before a policy.
_BEFORE: Final = re.compile(r"(?:[\t-\r\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|//[^\n\r]*)*")
# What no Cedar file may hold.
FOREIGN_KINDS: Final = frozenset({"comment", "quoted", "open", "foreign"})
# How policies begin, rightly or as other languages have it.
EFFECTS: Final = {"permit": "permit", "allow": "permit", "grant": "permit", "forbid": "forbid", "deny": "forbid"}


class Token(NamedTuple):
    """A word, a text, a number or a sign; `start` is its offset in the file."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True)
class Policy:
    """A policy in its file, its semicolon included where it has one.

    Attributes:
        number: 1 for the first of the file.
        start, end: offsets in the file.
        read: gives its tokens; asked when somebody wants them.
    """

    number: int
    start: int
    end: int
    read: Callable[[], tuple[Token, ...]]

    @classmethod
    def of(cls, number: int, tokens: tuple[Token, ...]) -> "Policy":
        """A policy whose tokens are known."""
        return cls(number, tokens[0].start, tokens[-1].start + len(tokens[-1].text), lambda: tokens)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Its words and signs, with their offsets in the file."""
        return self.read()

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


def sound_policies_of(text: str) -> list[Policy]:
    """The policies of a text that Cedar takes; of any other, something that need not be right.

    It takes a tenth of the time of `policies_of`, for it reads no tokens that nobody asks for.
    """
    policies: list[Policy] = []
    end = 0
    for match in _ENDS.finditer(text):
        if match.lastgroup == "end":
            start, end = _begin(text, end), match.end()
            policies.append(Policy(len(policies) + 1, start, end, partial(_tokens_within, text, start, end)))
    return policies if _begin(text, end) == len(text) else []


def _begin(text: str, offset: int) -> int:
    """Where the blanks and comments end that begin at an offset."""
    match = _BEFORE.match(text, offset)
    return offset if match is None else match.end()


def _tokens_within(text: str, start: int, end: int) -> tuple[Token, ...]:
    return tuple(token._replace(start=token.start + start) for token in tokens_of(text[start:end]))


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
            policies.append(Policy.of(len(policies) + 1, tuple(current)))
            current, effect, depth = [], False, 0
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(token.text, 0)
        effect = effect or (_is_effect(token) and (not current or current[-1].text != "@"))
        current.append(token)
        if token.text == ";" or (token.kind == "open" and token.text.rstrip().endswith(";")):
            policies.append(Policy.of(len(policies) + 1, tuple(current)))
            current, effect, depth = [], False, 0
    if current:
        policies.append(Policy.of(len(policies) + 1, tuple(current)))
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
