"""Texts of the catalog with places that a request fills: `${caller.name}`, `${claims.tenant}`, `${params.bucket}`.

A text is taken apart once, when the service starts. Filling it in joins the parts: what a value holds is never looked
at again, so no value can bring a placeholder of its own.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from chalicelib.callers.session_name import session_name
from chalicelib.callers.sigv4 import Caller, IamRoleSession, OidcSubject, ServiceToken
from chalicelib.errors import InvalidRequest

Kind = Literal["caller", "claims", "params"]
CALLER_FIELDS: Final = ("name", "account", "session_name")
_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}", re.ASCII)
# IAM would take it for a variable of its own that has no value, and a Deny that holds one denies nothing.
_MISSPELT = re.compile(r"\s*(caller|claim|param)s?\s*[.:]", re.ASCII | re.IGNORECASE)
# Of IAM.
VARIABLE = re.compile(r"\$\{[^{}]*\}")
# What matches more than itself.
_WILDCARD = re.compile(r"[*?]|\$\{")


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


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the catalog says of the values of a placeholder.

    Attributes:
        pattern: which they match, whole.
        separators: characters that they may hold, although these tell them apart from the text beside them.
    """

    pattern: re.Pattern[str]
    separators: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """Characters that the value of a placeholder must not hold, in one text.

    Attributes:
        strict: even if the catalog says that its values may hold them, for another value comes after it.
    """

    placeholder: Placeholder
    around: str
    strict: bool = False

    def keeps_out(self, value: str, bounds: Bounds | None) -> str:
        """What the value holds and must not, in words; empty if it may be."""
        allowed = bounds.separators if bounds and not self.strict else ""
        held = set(value) & set(self.around) - set(allowed)
        return f"may not hold `{'` and `'.join(sorted(held))}` there" if held else ""


def guards(template: Template, always: str = "") -> Iterator[Guard]:
    """What a value must not hold: the text next to it, where what lies beyond could stand for a part of the value.

    Args:
        always: characters that values must not hold, whatever is beside them.

    Raises:
        ValueError: there is no such text. The message quotes what is there.
    """
    parts = template.parts
    for index, part in enumerate(parts):
        if isinstance(part, str):
            continue
        before, after = parts[:index], parts[index + 1 :]
        if any(map(_has_star, before)) and any(map(_has_star, after)):
            raise ValueError(
                f"a `*` or a variable stands before {part}, and one after it: `*/x/*` matches y/x/z, and a/y/x/z of "
                "somebody else too; write one of them out"
            )
        around = always
        if any(isinstance(other, Placeholder) or _WILDCARD.search(other) for other in after):
            around += _next_character(part, after[0])
        if any(isinstance(other, str) and _WILDCARD.search(other) for other in before):
            around += _next_character(part, before[-1], last=True)
        if around:
            yield Guard(part, around, strict=any(isinstance(other, Placeholder) for other in after))


def _has_star(part: str | Placeholder) -> bool:
    """Whether something in it can stand for a text of any length: a `*`, or a variable of IAM.

    Also before the resource of an ARN: there, too, a `*` may match beyond the next colon.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if isinstance(part, Placeholder):
        return False
    without_escapes = re.sub(r"\$\{[*?$]\}", "", part)
    return "*" in without_escapes or "${" in without_escapes


def _next_character(placeholder: Placeholder, text: str | Placeholder, last: bool = False) -> str:
    side = "before" if last else "after"
    plain = isinstance(text, str) and (text[-1] not in "*?}" if last else text[0] not in "*?$")
    if not plain:
        raise ValueError(
            f"right {side} {placeholder} must stand a plain character, such as `/`: `{text}` would match more than it"
        )
    return str(text)[-1 if last else 0]


@dataclass(frozen=True, slots=True)
class Values:
    """What the placeholders of a role stand for in one request.

    Attributes:
        role: catalog name, for messages.
        params: those of the request, checked, with defaults for the others.
        bounds: of all params, and of some claims.
    """

    role: str
    caller: Caller
    params: Mapping[str, str]
    bounds: Mapping[Placeholder, Bounds]

    def of(self, placeholder: Placeholder) -> str:
        """The value: never empty, for what is missing must not make a text shorter and so match more.

        Raises:
            InvalidRequest: there is none.
        """
        value: str | tuple[str, ...] | None
        match placeholder.kind:
            case "caller":
                value = _of_caller(self.caller, placeholder.name)
            case "claims":
                value = _claims(self.caller).get(placeholder.name)
            case "params":
                value = self.params.get(placeholder.name)
        if isinstance(value, tuple):
            raise self.unusable(placeholder, "has several values for you, and one is needed")
        if not value:
            raise self.unusable(placeholder, "has no value for you: your identity does not tell it")
        bounds = self.bounds.get(placeholder)
        if bounds is not None and bounds.pattern.fullmatch(value) is None:
            raise self.unusable(placeholder, "does not match the role's pattern for it")
        return value

    def keep_apart(self, guarded: Iterable[Guard]) -> None:
        """Whether each value ends where its place does.

        Raises:
            InvalidRequest: a value would reach into the place of another.
        """
        for guard in guarded:
            kept_out = guard.keeps_out(self.of(guard.placeholder), self.bounds.get(guard.placeholder))
            if kept_out:
                raise self.unusable(guard.placeholder, f"{kept_out}, as your value of it does")

    def unusable(self, placeholder: Placeholder, why: str) -> InvalidRequest:
        """The refusal of a value. It does not repeat the value."""
        return InvalidRequest(f"Sessions of role {self.role} are shaped by {placeholder}, which {why}.")


def _of_caller(caller: Caller, name: str) -> str | None:
    match name:
        case "account":
            return None if isinstance(caller, OidcSubject | ServiceToken) else caller.account
        case "session_name":
            return session_name(caller)
    if isinstance(caller, OidcSubject):
        return caller.subject
    # Who it is, not what they came as: of a role session that is the session's name.
    return caller.session_name if isinstance(caller, IamRoleSession) else caller.name


def _claims(caller: Caller) -> dict[str, str | tuple[str, ...]]:
    """What somebody who is trusted says of the caller: an issuer by claims, an administrator by an API token's tags."""
    match caller:
        case OidcSubject():
            return dict(caller.claims)
        case ServiceToken():
            return dict(caller.tags)
    return {}
