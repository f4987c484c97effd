"""What all kinds of expressions are made of: words, placeholders, and paths to attributes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from testing.dynamodb.refused import InvalidRequest
from testing.dynamodb.reserved_words import RESERVED
from testing.dynamodb.values import Item, Value, check_value, content, kind

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-expression-parameters
_MOST_BYTES: Final = 4096
_MOST_OPERATORS: Final = 300
_TOKENS: Final = re.compile(
    r"\s*(?:(?P<word>[A-Za-z][A-Za-z0-9_]*)|(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)|(?P<number>[0-9]+)"
    r"|(?P<sign><>|<=|>=|[=<>()\[\],.+-])|(?P<end>$))"
)


@dataclass(frozen=True)
class Token:
    """A word of an expression, a placeholder, a number or a sign."""

    kind: str
    text: str


@dataclass(frozen=True)
class Path:
    """Where a value is in an item: names of attributes, and numbers of elements of lists."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in self.parts)}]"

    @property
    def top(self) -> str:
        """The item's own attribute."""
        return str(self.parts[0])

    def find(self, item: Mapping[str, Value]) -> Value | None:
        """What is there, if anything is."""
        found: Value | None = {"M": item}
        for part in self.parts:
            if found is None:
                return None
            found = member(found, part)
        return found


def member(value: Mapping[str, object], part: str | int) -> Value | None:
    """What a map or a list has under a name or a number."""
    held = content(value)
    if isinstance(part, str):
        return cast(Item, held).get(part) if kind(value) == "M" else None
    elements = cast(list[Value], held) if kind(value) == "L" else []
    return elements[part] if part < len(elements) else None


class Placeholders:
    """ExpressionAttributeNames and ExpressionAttributeValues of a request, each of which an expression has to use."""

    def __init__(self, request: Mapping[str, object], expressions: Mapping[str, object]) -> None:
        """
        Args:
            request: what may hold them.
            expressions: those of the request, by their kinds.

        Raises:
            Refused: a placeholder or its value is not one, or there is no expression.
        """
        self._names = cast(Mapping[str, str] | None, request.get("ExpressionAttributeNames"))
        values = cast(Mapping[str, object] | None, request.get("ExpressionAttributeValues"))
        self._values = None if values is None else {name: _checked(name, value) for name, value in values.items()}
        self._unused = {*(self._names or ()), *(self._values or ())}
        for what, given, sign in (("Names", self._names, "#"), ("Values", values, ":")):
            if given is None:
                continue
            if not any(text is not None for text in expressions.values()):
                raise InvalidRequest(f"ExpressionAttribute{what} can only be specified when using expressions")
            if not given:
                raise InvalidRequest(f"ExpressionAttribute{what} must not be empty")
            for key in given:
                if re.fullmatch(rf"{sign}[A-Za-z0-9_]+", key) is None:
                    raise InvalidRequest(f'ExpressionAttribute{what} contains invalid key: Syntax error; key: "{key}"')

    @property
    def values(self) -> Item:
        """All values, by their placeholders."""
        return self._values or {}

    def name(self, placeholder: str) -> str | None:
        """The attribute's name that a placeholder stands for."""
        self._unused.discard(placeholder)
        return (self._names or {}).get(placeholder)

    def value(self, placeholder: str) -> Value | None:
        """The value that a placeholder stands for."""
        self._unused.discard(placeholder)
        return (self._values or {}).get(placeholder)

    def refuse_unused(self) -> None:
        """To be called when all expressions have been read.

        Raises:
            InvalidRequest: one of them is in no expression.
        """
        for what, sign in (("Names", "#"), ("Values", ":")):
            unused = sorted(name for name in self._unused if name.startswith(sign))
            if unused:
                raise InvalidRequest(
                    f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {{{', '.join(unused)}}}"
                )


def _checked(placeholder: str, value: object) -> Value:
    try:
        return check_value(value)
    except InvalidRequest as invalid:
        said = f"ExpressionAttributeValues contains invalid value: {invalid.message} for key {placeholder}"
        raise InvalidRequest(said) from None


class Reader:
    """Reads an expression of some kind from its beginning to its end."""

    def __init__(self, kind: str, text: str, placeholders: Placeholders) -> None:
        """
        Args:
            kind: the parameter that it is, for what is said of it.

        Raises:
            InvalidRequest: it is empty, too long, or holds what is in no expression.
        """
        self.kind = kind
        self._placeholders = placeholders
        self._operators = 0
        if not text.strip():
            raise self.invalid("The expression can not be empty;")
        if len(text.encode()) > _MOST_BYTES:
            raise self.invalid("Expression size has exceeded the maximum allowed size;")
        self._tokens = self._split(text)
        self._place = 0

    def _split(self, text: str) -> list[Token]:
        tokens: list[Token] = []
        place = 0
        while not tokens or tokens[-1].kind != "end":
            match = _TOKENS.match(text, place)
            if match is None:
                raise self.invalid(f'Syntax error; token: "{text[place:].strip()[0]}", near: "{text[place:][:12]}"')
            assert match.lastgroup is not None
            tokens.append(Token(match.lastgroup, match[match.lastgroup] or "<EOF>"))
            place = match.end()
        return tokens

    def invalid(self, what: str) -> InvalidRequest:
        """What is said of an expression that is not right."""
        return InvalidRequest(f"Invalid {self.kind}: {what}")

    def syntax_error(self) -> InvalidRequest:
        """What is said where something else would have to come next."""
        near = " ".join(token.text for token in self._tokens[max(0, self._place - 1) : self._place + 2])
        return self.invalid(f'Syntax error; token: "{self.next.text}", near: "{near}"')

    @property
    def next(self) -> Token:
        """What comes next."""
        return self._tokens[self._place]

    def is_function(self) -> bool:
        """Whether a word comes next, and a parenthesis after it."""
        return self.next.kind == "word" and self._tokens[self._place + 1].text == "("

    def is_next(self, text: str) -> bool:
        """Whether a sign or keyword comes next. Keywords are so in any case."""
        return self.next.kind in ("word", "sign") and self.next.text.upper() == text

    def skip(self, *texts: str) -> str | None:
        """Pass over a sign or keyword, if one of these comes next."""
        for text in texts:
            if self.is_next(text):
                self._place += 1
                return text
        return None

    def expect(self, text: str) -> None:
        """Pass over a sign or keyword.

        Raises:
            InvalidRequest: something else comes next.
        """
        if self.skip(text) is None:
            raise self.syntax_error()

    def take(self, kind: str) -> str:
        """Pass over a token.

        Raises:
            InvalidRequest: one of another kind comes next.
        """
        if self.next.kind != kind:
            raise self.syntax_error()
        self._place += 1
        return self._tokens[self._place - 1].text

    def count_operator(self) -> None:
        """Note that there is one more operator or function.

        Raises:
            InvalidRequest: there are too many.
        """
        self._operators += 1
        if self._operators > _MOST_OPERATORS:
            raise self.invalid("The expression contains too many operators or functions;")

    def between_commas(self, read: Callable[[], object]) -> None:
        """Read one or more of something."""
        read()
        while self.skip(",") is not None:
            read()

    def path(self) -> Path:
        """A path to an attribute.

        Raises:
            InvalidRequest: something else comes next, or a name that is reserved or not defined.
        """
        parts: list[str | int] = [self._name()]
        while self.is_next(".") or self.is_next("["):
            if self.skip(".") is not None:
                parts.append(self._name())
            else:
                self.expect("[")
                parts.append(int(self.take("number")))
                self.expect("]")
        return Path(tuple(parts))

    def _name(self) -> str:
        if self.next.kind == "name":
            placeholder = self.take("name")
            name = self._placeholders.name(placeholder)
            if name is None:
                raise self.invalid(
                    "An expression attribute name used in the document path is not defined; "
                    f"attribute name: {placeholder}"
                )
            return name
        if self.is_function():
            raise self.invalid(f"Invalid function name; function: {self.next.text}")
        word = self.take("word")
        if word.upper() in RESERVED:
            raise self.invalid(f"Attribute name is a reserved keyword; reserved keyword: {word}")
        return word

    def value(self) -> Value:
        """The value that a placeholder stands for.

        Raises:
            InvalidRequest: something else comes next, or it is not defined.
        """
        placeholder = self.take("value")
        value = self._placeholders.value(placeholder)
        if value is None:
            raise self.invalid(
                f"An expression attribute value used in expression is not defined; attribute value: {placeholder}"
            )
        return value
