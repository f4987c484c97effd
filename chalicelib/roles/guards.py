"""Where does a value end? Characters that the value of a placeholder must not hold, for what stands beside it.

Escaping alone keeps `*` out, and lets the tenant `a/b` into what is `a`'s.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.roles.template import Placeholder, Template

# What matches more than itself.
_WILDCARD = re.compile(r"[*?]|\$\{")


class Bounds(NamedTuple):
    """What the catalog says of the values of a placeholder.

    Attributes:
        pattern: which they match, whole.
        separators: characters that they may hold, although these tell them apart from the text beside them.
    """

    pattern: re.Pattern[str]
    separators: str = ""


class Guard(NamedTuple):
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
