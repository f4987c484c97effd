"""Is a policy enforced, or only tried? `@mode("audit")`: it is decided by, and recorded, and changes no decision."""

import itertools
from typing import Final

from chalicelib.configuration.cedar_tokens import Token, line, policies_of
from chalicelib.configuration.policy_lines import PolicyLines
from chalicelib.decisions.indexed_policy import PolicyJson
from chalicelib.text.likeness import did_you_mean, nearest

_NAME: Final = "mode"
_AUDIT: Final = "audit"
_ENFORCE: Final = "enforce"
MODES: Final = (_AUDIT, _ENFORCE)


def is_audited(policy: PolicyJson) -> bool:
    """Whether a policy is in audit mode; else it is enforced.

    Args:
        policy: one without `mode_problem`.
    """
    return _annotations(policy).get(_NAME) == _AUDIT


def mode_problem(policy: PolicyJson, lines: PolicyLines) -> str | None:
    """What is wrong with the mode of a policy, with its line; None: nothing is.

    A mode that is not understood must not be passed over: a `permit` that was to be tried would be enforced.
    """
    for name, value in _annotations(policy).items():
        if name == "id":
            continue
        if name == _NAME and value not in MODES:
            known = f'@mode("{_AUDIT}") or @mode("{_ENFORCE}"), which is the same as none'
            hint = did_you_mean(nearest(str(value), MODES)) if value else ""
            return f"{_written(name, value)}{_line(lines, name)} is no mode: there is {known}{hint}"
        if name != _NAME and _is_meant_as_mode(name, value):
            meant = nearest(str(value), MODES) or _AUDIT
            where = f"{_written(name, value)}{_line(lines, name)}"
            return f'{where} is no annotation of credvend\'s; did you mean @mode("{meant}")?'
    return None


def _is_meant_as_mode(name: str, value: str | None) -> bool:
    if nearest(name, [_NAME]) is None:
        return False
    return name.lower() == _NAME or (bool(value) and nearest(str(value), MODES) is not None)


def _written(name: str, value: str | None) -> str:
    if not value:
        return f"@{name}"
    return f'@{name}("{value}")' if value.isprintable() else f"@{name}({value!a})"


def _line(lines: PolicyLines, name: str) -> str:
    """The line of an annotation as messages have it; empty for the policy's first."""
    tokens: list[Token] = [token for part in policies_of(lines.text) for token in part.tokens]
    for sign, word in itertools.pairwise(tokens):
        if sign.text == "@" and word.text == name:
            number = lines.first + line(lines.text, word.start) - 1
            return "" if number == lines.first else f" (line {number})"
    return ""


def _annotations(policy: PolicyJson) -> dict[str, str | None]:
    annotations = policy.get("annotations") or {}
    assert isinstance(annotations, dict)  # noqa: S101 Cedar makes it so
    return annotations
