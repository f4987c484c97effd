"""Texts of the catalog with places that a request fills: `${caller.name}`, `${claims.tenant}`, `${params.bucket}`.

A text is taken apart once, when the service starts. Filling it in joins the parts: what a value holds is never looked
at again, so no value can bring a placeholder of its own.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

Kind = Literal["caller", "claims", "params"]
CallerField = Literal["name", "account", "session_name"]
CALLER_FIELDS: Final = get_args(CallerField)
_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}", re.ASCII)
# How a placeholder begins, and what is meant for one: in the singular, with a colon, with blanks, in capitals.
_BEGINNING: Final = r"\s*(?:caller|claim|param)s?\s*[.:]"
# IAM would take it for a variable of its own that has no value, and a Deny that holds one denies nothing.
_MISSPELT = re.compile(_BEGINNING, re.ASCII | re.IGNORECASE)
# The same anywhere in a text, between `${` and `}`, `$(` and `)`, or `{` and `}`.
_LOOKS_MEANT = re.compile(rf"(?:\$?\{{|\$\(){_BEGINNING}", re.ASCII | re.IGNORECASE)
# A variable of IAM's own, as it stands in a text.
VARIABLE = re.compile(r"\$\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place to fill, written `${kind.name}`."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"${{{self.kind}.{self.name}}}"


@dataclass(frozen=True, slots=True)
class Template:
    """A text, taken apart: texts and placeholders take turns."""

    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    def fill(self, value_of: Callable[[Placeholder], str]) -> str:
        """The text, with each placeholder's value in its place."""
        return "".join(value_of(part) if isinstance(part, Placeholder) else part for part in self.parts)


def holds_placeholder(text: str) -> bool:
    """Whether there is a placeholder in a text, or what looks as if it was meant for one."""
    return _LOOKS_MEANT.search(text) is not None


def parse_template(text: str, variables_of_iam: bool) -> Template:
    """Take a text apart.

    Args:
        variables_of_iam: whether `${aws:username}`, `${*}` and their like may stand in the text, and stay in it.

    Raises:
        ValueError: a placeholder is malformed or unknown. The message quotes it.
    """
    parts: list[str | Placeholder] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        found = _placeholder(match[1], variables_of_iam)
        if found is not None:
            if parts and match.start() == end:
                raise ValueError(f"{text!r} puts {found} right after another: some text must tell where one ends")
            if text[: match.start()].endswith("$"):
                raise ValueError(
                    f"{text!r} has a `$` right before {found}: together with a value it could mean something"
                )
            parts += [text[end : match.start()], found]
            end = match.end()
    parts.append(text[end:])
    template = Template(tuple(part for part in parts if part != ""))
    if any("${" in _PLACEHOLDER.sub("", part) for part in template.parts if isinstance(part, str)):
        raise ValueError(f"{text!r} holds a `${{` that is not closed by a `}}`")
    return template


def _placeholder(written: str, variables_of_iam: bool) -> Placeholder | None:
    """The placeholder, or None for a variable of IAM's own.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    kind, dot, name = written.partition(".")
    if dot and kind in get_args(Kind):
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"${{{written}}} names nothing: letters, digits and `_.:/-` make a name")
        if kind == "caller" and name not in CALLER_FIELDS:
            known = ", ".join(f"${{caller.{field}}}" for field in CALLER_FIELDS)
            raise ValueError(f"${{{written}}} is not known: of the caller there are {known}")
        return Placeholder(kind, name)  # type: ignore[arg-type]
    if not variables_of_iam:
        raise ValueError(f"${{{written}}} is not one of ${{caller...}}, ${{claims...}} and ${{params...}}")
    if _MISSPELT.match(written):
        raise ValueError(
            f"${{{written}}} is misspelt: there are ${{caller.NAME}}, ${{claims.NAME}} and ${{params.NAME}}"
        )
    if written in ("*", "?", "$") or ":" in written:
        return None
    raise ValueError(
        f"${{{written}}} is neither one of ${{caller...}}, ${{claims...}} and ${{params...}} nor a variable of IAM"
    )
