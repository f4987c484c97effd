"""Is a policy nested more deeply than Cedar can take? Then its parser overflows the stack, and the process ends.

Long before, Cedar's JSON cannot be read again: serde's reader takes 127 levels
(https://docs.rs/serde_json/latest/serde_json/struct.Deserializer.html#method.disable_recursion_limit), and that is how
policies are taken out of their files.
"""

import re
from collections.abc import Callable
from typing import Final

from chalicelib.configuration.cedar_tokens import Policy

# Tried with a stack of 1 MB, where Cedar takes as many and more; main threads have 8.
_MOST_BRACKETS: Final = 64
_MOST_STEPS: Final = 1000
# Of JSON. Credvend adds none around a policy, but Cedar's own spelling of it may.
_MOST_LEVELS: Final = 120
# So many steps are not worth counting levels for: each is two at most, and some ten are around a condition.
_FEW_STEPS: Final = 50
_OPENS: Final = frozenset("([{")
_CLOSES: Final = frozenset(")]}")
# What nests an expression in the one before it.
_STEPS: Final = _OPENS | {"||", "&&", "+", "-", "*", ".", "if"}
# The same and more: whatever of it stands in texts and in comments.
_STEP_SIGNS: Final = re.compile(r"[(\[{.+*-]|\|\|?|&&?|if")
_IN_JSON: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
TOO_DEEP: Final = (
    "its conditions are nested too deeply: write `[...].contains(...)` for many `||` in a row, or several policies"
)


def is_shallow(text: str) -> bool:
    """Whether a policy is certainly not nested too deeply, by its text, which may be no policy at all."""
    return len(_STEP_SIGNS.findall(text)) <= _FEW_STEPS


def too_deep_at(policy: Policy, in_json: Callable[[str], str]) -> int | None:
    """Where a policy is nested too deeply, as an offset in its file; None: it is not.

    Args:
        in_json: a text in Cedar's JSON; empty where it is no policy, which others tell. Asked only of what its parser
            takes.
    """
    brackets = steps = 0
    most = 0
    for token in policy.tokens:
        if token.text in _STEPS:
            steps += 1
        if token.text in _OPENS:
            brackets += 1
        elif token.text in _CLOSES:
            brackets -= 1
        if brackets <= 0:
            steps = 0
        if brackets > _MOST_BRACKETS or steps > _MOST_STEPS:
            return token.start
        most = max(most, steps)
    if most <= _FEW_STEPS or _levels(in_json(" ".join(token.text for token in policy.tokens))) <= _MOST_LEVELS:
        return None
    return policy.start


def _levels(document: str) -> int:
    """How deep a text of JSON is."""
    deepest = level = 0
    for sign in _IN_JSON.findall(document):
        if sign in _OPENS:
            level += 1
            deepest = max(deepest, level)
        elif sign in _CLOSES:
            level -= 1
    return deepest
