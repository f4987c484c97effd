"""What did the author of a policy mean? Hints for what people write instead of Cedar, and what it would be in Cedar."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
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
    return None if at is None else _hint_on_word(tokens, at)


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


# What Cedar's validator says, and what helps.
_RECORD: Final = re.compile(r"\{((?:\w+\??: [^{}]+,)+)\}")
_FIELD: Final = re.compile(r"(\w+)\??: ((?:[^,<>]|<[^<>]*>)+),")
_INTERNAL: Final = {
    "__cedar::internal::OpenRecord{}": "a record",
    "__cedar::internal::AnyEntity": "an entity",
    "__cedar::internal::Any": "anything",
}
_NO_SUCH_VALUE: Final = re.compile(
    r"entity `(.*)` is of an enumerated entity type, but .* is not declared as a valid eid"
)
_NO_ATTRIBUTE: Final = re.compile(r"attribute `([^`]*)` on entity type `([^`]*)` not found")
_CONVERSIONS: Final = {
    "ipaddr": 'write ip("192.0.2.1"), or .isInRange(ip("192.0.2.0/24"))',
    "datetime": 'write datetime("2026-01-31")',
    "duration": 'write duration("9h")',
    "Long": "a number stands without quotes, and durations are seconds",
}


def summed_up(messages: Iterable[str]) -> list[str]:
    """What the validator says of a policy, where it says the same of several types in one line, in a stable order."""
    types: dict[str, set[str]] = {}
    others: list[str] = []
    for message in messages:
        missing = _NO_ATTRIBUTE.fullmatch(message)
        if missing is not None:
            types.setdefault(missing[1], set()).add(missing[2])
        elif message not in others:
            others.append(message)
    lines = [f"attribute `{name}` on {', '.join(sorted(kinds))} not found" for name, kinds in types.items()]
    # It follows from each of the others.
    applicable = [line for line in others if not line.startswith("unable to find an applicable action")]
    return sorted(lines + (applicable if lines or applicable else others))


def hint_on_finding(message: str, tokens: Sequence[Token], schema: str) -> str | None:
    """What helps against something that Cedar's validator says."""
    if record := _RECORD.search(message):
        return _hint_on_record(record[1], message.replace(record[0], ""))
    if tag := re.search(r"unable to guarantee safety of access to tag `([^`]*)`", message):
        return f"not every caller has it: write {_owner(tokens, tag[1])}.hasTag({tag[1]}) && before it"
    if attribute := re.search(r"unable to guarantee safety of access to optional attribute `([^`]*)`", message):
        return f"not each has it: ask with `has {attribute[1]}` && before it"
    if missing := re.search(r"attribute `([^`]*)` on ([\w, ]+) not found", message):
        return _hint_on_attribute(missing[1], missing[2].split(", "), schema)
    if missing := re.search(r"attribute `([^`]*)` in context", message):
        context = schema.partition("context:")[2].partition("};")[0]
        return _nearest(missing[1], re.findall(r"(\w+)\??\s*:", context))
    if "OpenRecord" in message:
        return "not every caller's tag is a record: write principal is OidcSubject && before it"
    if "AnyEntity" in message:
        return '`in` is for entities; for texts write ["a", "b"].contains(...)'
    if unknown := re.search(r"unrecognized entity type `([^`]*)`", message):
        return _nearest(unknown[1], re.findall(r"entity (\w+)", schema))
    if odd := _NO_SUCH_VALUE.search(message):
        values = re.search(rf"entity {odd[1].partition('::')[0]} enum \[(.*?)\]", schema, re.DOTALL)
        return None if values is None else "there are " + ", ".join(re.findall(r'"([^"]*)"', values[1]))
    if "unrecognized action" in message:
        return 'the action is Action::"AssumeRole"'
    if "unable to find an applicable action" in message:
        return "the principal must be a caller, and the resource a Role"
    if mixed := re.search(r"types (\w+) and (\w+) are not compatible|expected (\w+) but saw (\w+)", message):
        pair = {one for one in mixed.groups() if one}
        return next((words for kind, words in _CONVERSIONS.items() if pair == {kind, "String"}), None)
    return None


def plain(message: str) -> str:
    """A message without the names that Cedar has for itself."""
    for internal, words in _INTERNAL.items():
        message = message.replace(internal, words)
    return _NO_SUCH_VALUE.sub(r"`\1` is not one of its type", message)


def _hint_on_record(fields: str, rest: str) -> str | None:
    for name, kind in _FIELD.findall(fields):
        if re.search(rf"\b{re.escape(kind.partition('<')[0])}\b", rest):
            return f"what is there is a record: write .{name} behind it"
    return None


def _hint_on_attribute(name: str, lacking: Sequence[str], schema: str) -> str | None:
    """Other callers have it, or it is a tag; else what it resembles."""
    callers = set(re.findall(r"\w+", schema.partition("principal: [")[2].partition("]")[0]))
    entities = re.findall(r"entity (\w+)[^;=]*= \{(.*?)\}", schema, re.DOTALL)
    fields = {kind: re.findall(r"(\w+)\??:", body) for kind, body in entities}
    having = sorted(kind for kind in callers if name in fields.get(kind, ()))
    if having and callers.intersection(lacking):
        return f"it is of {', '.join(having)} alone: look at the type before, as in principal is {having[-1]} && ..."
    near = _nearest(name, [field for kind in lacking for field in fields.get(kind, ())])
    if near is not None:
        return near
    tagged = sorted(set(re.findall(r"entity (\w+)[^;]*?\} tags", schema)) & set(lacking))
    return f'claims and tags are asked for with .hasTag("{name}") and .getTag("{name}")' if tagged else None


def _owner(tokens: Sequence[Token], tag: str) -> str:
    """Whose tag it is: the word before `.getTag(TAG)`."""
    for index in range(2, len(tokens) - 2):
        if tokens[index].text == "getTag" and tokens[index + 2].text == tag:
            return tokens[index - 2].text
    return "principal"


def _nearest(name: str, names: Iterable[str]) -> str | None:
    near = nearest(name, names)
    return f"did you mean {near}?" if near else None


def _shown(text: str) -> str:
    return text if text.isprintable() and len(text) <= 80 else ascii(text[:80])
