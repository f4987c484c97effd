"""What did the author of a policy mean? Hints for what people write instead of Cedar, and what it would be in Cedar."""

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from chalicelib.configuration.cedar_tokens import EFFECTS, Token
from chalicelib.text.likeness import nearest

# What other languages write, and Cedar's own: https://docs.cedarpolicy.com/policies/syntax-operators.html
_WORDS: Final = {"and": "&&", "or": "||", "not": "!", "true": "true", "false": "false"}
_SIGNS: Final = {"=": "==", "===": "==", "!==": "!=", "<>": "!=", "&": "&&", "|": "||"}
_CONDITIONS: Final = {"if": "when", "where": "when", "except": "unless"}
_NOTHING: Final = frozenset({"null", "none", "nil", "undefined"})
_METHODS: Final = {"startswith": '"TEXT*"', "endswith": '"*TEXT"', "matches": '"*TEXT*"', "includes": '"*TEXT*"'}
_CLOSES: Final = {"(": ")", "{": "}", "[": "]"}
# Of the units of a duration: https://docs.cedarpolicy.com/policies/syntax-datatypes.html
SECONDS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_VARIABLES: Final = ("principal", "action", "resource", "context")
_SCOPE: Final = "the scope is (principal, action, resource), in this order"
# Behind which a variable may stand.
_SIGNS_OR_OPEN: Final = frozenset(
    {"(", ",", "[", "{", "!", "&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-"}
)
_DAYS: Final = frozenset({"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"})


class Hint(NamedTuple):
    """What is meant, presumably.

    Attributes:
        words: for the author.
        at: which token is to be replaced, None where only the author knows by what.
        by: what takes its place.
        about: which token it is about, if not the one where Cedar stopped.
        alone: it says more than Cedar's own message.
    """

    words: str
    at: int | None = None
    by: tuple[str, ...] = ()
    about: int | None = None
    alone: bool = False


def hint_on_foreign(token: Token, at: int) -> Hint:
    """About a token that Cedar does not have at all."""
    text = token.text
    if token.kind == "comment":
        return Hint(f"comments begin with //, not with {text[:2].rstrip()}", at)
    if token.kind == "quoted":
        meant = '"' + text[1:-1].replace('"', '\\"') + '"'
        return Hint(f"texts stand in straight double quotes: {_shown(meant)}", at, (meant,))
    if token.kind == "open":
        return Hint('the text that begins here does not end on its line: close it with "')
    if text in _SIGNS:
        return Hint(f"Cedar has no {text}: write {_SIGNS[text]}", at, (_SIGNS[text],))
    name = unicodedata.name(text, "") if not text.isascii() else ""
    named = f"U+{ord(text):04X} {name}".strip() if name or not text.isprintable() else text
    return Hint(f"{named} may stand only within texts and comments: remove it")


def hint_on_refusal(tokens: Sequence[Token], at: int) -> Hint | None:
    """About the token at which Cedar stopped reading, or about a policy that ends too early.

    Args:
        at: which token that is; the number of tokens where more were expected.
    """
    if at == len(tokens) or tokens[at].text == ";":
        return _hint_on_end(tokens, at)
    before = tokens[at - 1] if at else None
    return (
        _hint_on_word(tokens, at)
        or _hint_on_id(tokens, at)
        or _hint_on_scope(before, tokens, at)
        or _hint_on_unit(before, tokens[at])
        or _hint_on_negation(before, at - 1)
        or _hint_on_condition(before, tokens[at])
        or _hint_on_text(tokens[: at + 1])
    )


def hint_on_meaning(tokens: Sequence[Token], at: int | None, message: str) -> Hint | None:
    """About a policy that can be read, and says what cannot be.

    Args:
        at: the token that Cedar names, if it names one.
    """
    if "found literal" in message and at is not None:
        return Hint(f"an entity is written with its type, such as OidcSubject::{_shown(tokens[at].text)}")
    if "found set of entity uids" in message:
        return Hint("a scope names one: write a policy for each, or when { principal in [...] }")
    if "variable `" in message or "` variable" in message:
        return Hint(_SCOPE)
    if at is None:
        return None
    return _hint_on_word(tokens, at) or (_hint_on_variable(tokens, at) if "invalid" in message else None)


def _hint_on_end(tokens: Sequence[Token], at: int) -> Hint | None:
    brackets = unclosed(tokens)
    if brackets:
        closing = "".join(_CLOSES[tokens[index].text] for index in reversed(brackets))
        last = tokens[brackets[-1]].text
        return Hint(f"this {last} is not closed: {closing} is missing", at, (*closing, ";"), brackets[-1], alone=True)
    if at == len(tokens):
        return Hint("the policy does not end with a semicolon", at, (";",), alone=True)
    return Hint("there is no policy before this semicolon", alone=True) if len(tokens) == 1 else None


def unclosed(tokens: Sequence[Token]) -> list[int]:
    """Which brackets are opened and not closed."""
    found: list[int] = []
    for index, token in enumerate(tokens):
        if token.text in _CLOSES:
            found.append(index)
        elif found and token.text == _CLOSES[tokens[found[-1]].text]:
            found.pop()
    return found


def _hint_on_word(tokens: Sequence[Token], at: int) -> Hint | None:
    text, lower = tokens[at].text, tokens[at].text.lower()
    following = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if text in _SIGNS:
        return Hint(f"write {_SIGNS[text]}", at, (_SIGNS[text],))
    if tokens[at].kind != "word":
        return None
    if following == "(" and lower in EFFECTS and text != EFFECTS[lower]:
        return Hint(f"write {EFFECTS[lower]}", at, (EFFECTS[lower],))
    if following == "{" and lower in _CONDITIONS:
        return Hint(f"a condition begins with when or unless: write {_CONDITIONS[lower]}", at, (_CONDITIONS[lower],))
    if lower in _WORDS and text != _WORDS[lower]:
        return Hint(f"write {_WORDS[lower]}", at, (_WORDS[lower],))
    if lower in _NOTHING:
        return Hint("Cedar has no such value: ask whether there is one, with `has`")
    if lower in _METHODS and following == "(":
        return Hint(f"write like {_METHODS[lower]}")
    return None


def _hint_on_id(tokens: Sequence[Token], at: int) -> Hint | None:
    """An id without quotes, or without its two colons."""
    before = tokens[at - 1].text if at else ""
    if before == "::" and tokens[at].kind in ("number", "word"):
        return _hint_on_quotes(tokens, at)
    if tokens[at].text != ":" or at + 1 == len(tokens):
        return None
    if tokens[at + 1].kind == "text":
        return Hint("between a type and an id stand two colons: write ::", at, ("::",))
    return Hint('an id stands in quotes, such as OidcGroup::"okta:dev"') if "::" in tokens[at - 2].text else None


def _hint_on_quotes(tokens: Sequence[Token], at: int) -> Hint:
    quoted = f'"{tokens[at].text}"'
    return Hint(f"an id stands in quotes: write {tokens[at - 2].text}::{quoted}", at, (quoted,))


def _hint_on_scope(before: Token | None, tokens: Sequence[Token], at: int) -> Hint | None:
    """A parenthesis or a comma that is missing, or a parenthesis too many."""
    text = tokens[at].text
    if before is not None and before.text in ("permit", "forbid") and text != "(":
        return Hint(
            f"the scope stands in parentheses: write {before.text} (principal, action, resource)", at, ("(", text)
        )
    if before is not None and text in _VARIABLES[:3] and before.text not in _SIGNS_OR_OPEN:
        return Hint(f"a comma is missing: {_SCOPE}", at, (",", text))
    return _hint_on_closing(tokens, at) if text in _CLOSES.values() else None


def _hint_on_closing(tokens: Sequence[Token], at: int) -> Hint | None:
    """A bracket that closes nothing, or another one than the last that was opened."""
    text, opened = tokens[at].text, unclosed(tokens[:at])
    if text not in [_CLOSES[tokens[index].text] for index in opened]:
        return Hint(f"this {text} closes nothing: remove it", at)
    last = tokens[opened[-1]].text
    if _CLOSES[last] == text:
        return None
    return Hint(
        f"this {last} is not closed: {_CLOSES[last]} is missing", at, (_CLOSES[last], text), opened[-1], alone=True
    )


def _hint_on_unit(before: Token | None, token: Token) -> Hint | None:
    """`30m`"""
    if before is None or before.kind != "number" or token.text not in SECONDS:
        return None
    written, seconds = f"{before.text}{token.text}", int(before.text) * SECONDS[token.text]
    return Hint(f'a duration is written duration("{written}"); of context.duration, which is in seconds, {seconds}')


def _hint_on_variable(tokens: Sequence[Token], at: int) -> Hint | None:
    """A variable that there is not: one of Cedar's own misspelt, an id or a text without quotes."""
    token = tokens[at]
    if token.kind != "word" or token.text in _VARIABLES:
        return None
    if at > 1 and tokens[at - 1].text == "::":
        return _hint_on_quotes(tokens, at)
    if token.text[0].isupper() and [one.text for one in tokens[at + 1 : at + 2]] == ["."] and at + 2 < len(tokens):
        return Hint(f'an entity is written {token.text}::"{tokens[at + 2].text}"')
    near = nearest(token.text, _VARIABLES)
    if near is not None:
        return Hint(f"did you mean {near}?", at, (near,))
    if token.text in _DAYS:
        return Hint(f'a day is written Weekday::"{token.text}"')
    quoted = f'"{token.text}"'
    return Hint(f"there are {', '.join(_VARIABLES)}; a text stands in quotes: {quoted}", at, (quoted,))


def _hint_on_negation(token: Token | None, at: int) -> Hint | None:
    if token is not None and token.text.lower() == "not":
        return Hint("Cedar has no `not`: write !", at, ("!",), at, alone=True)
    return None


def _hint_on_condition(before: Token | None, token: Token) -> Hint | None:
    if before is not None and before.text in ("when", "unless") and token.text != "{":
        return Hint(f"a condition stands in braces: {before.text} {{ ... }}")
    return None


def _hint_on_text(read: Sequence[Token]) -> Hint | None:
    if any("\n" in token.text for token in read if token.kind == "text"):
        return Hint('a text before it goes over the end of its line: is its closing " missing?')
    return None


def _shown(text: str) -> str:
    return text if text.isprintable() and len(text) <= 80 else ascii(text[:80])
