"""On which line of its file does a part of a policy stand? Cedar's JSON does not say; the text is looked for."""

import re
from typing import Final, NamedTuple

from chalicelib.configuration.cedar_places import places_of, written_at
from chalicelib.configuration.cedar_tokens import Token, line, policies_of
from chalicelib.configuration.policy_text import text_of

_ENTITY: Final = re.compile(r'(?P<text>\w+::"(?:[^"\\]|\\.)*")')
_QUOTED: Final = re.compile(r"`(?P<text>[^`]+)`")
_HAS_LINES: Final = re.compile(r"` \(line [0-9]+\)")


class PolicyLines(NamedTuple):
    """The text of a policy, and the line of the file that it begins on."""

    text: str
    first: int

    def of(self, expression: object, is_last: bool = True) -> str:
        """The line of an expression as messages have it behind the expression; empty for the policy's first line.

        Empty, too, where the expression is not found.

        Args:
            is_last: where it stands more than once, the last place; else the first.
        """
        if "\n" not in self.text:
            return ""
        tokens = self._tokens()
        found = places_of(tokens, text_of(expression))
        if not found:
            return ""
        number = self._line(tokens[found[-1 if is_last else 0]])
        return "" if number == self.first else f" (line {number})"

    def told_in(self, message: str) -> str:
        """A message with the line of what it is about behind it, as `of` has it; the same if it has lines already.

        Args:
            message: what it is about stands at its beginning, as an entity, or first between backticks.
        """
        about = _ENTITY.match(message) or _QUOTED.search(message)
        if "\n" not in self.text or about is None or _HAS_LINES.search(message):
            return message
        tokens = self._tokens()
        at = written_at(tokens, about["text"])
        number = self.first if at is None else self._line(tokens[at])
        return message if number == self.first else f"{message[: about.end()]} (line {number}){message[about.end() :]}"

    def _tokens(self) -> list[Token]:
        return [token for part in policies_of(self.text) for token in part.tokens]

    def _line(self, token: Token) -> int:
        """The line of the file that a token is on."""
        return self.first + line(self.text, token.start) - 1


NO_LINES: Final = PolicyLines("", 1)
"""Of a policy whose text is not at hand."""
