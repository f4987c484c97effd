"""Why is a comparison never true? In words, for those whose reason is in the configuration."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from chalicelib.configuration.policy_constants import constant, constants
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import CONTEXT, PossibleRequests
from chalicelib.text.likeness import did_you_mean, nearest

_MOST_NAMES: Final = 10


class _Reason(NamedTuple):
    """Why nothing is equal to a text.

    Attributes:
        words: the end of a sentence.
        known: what there is.
    """

    words: str
    known: frozenset[str] = frozenset()


def _issuers(possible: PossibleRequests) -> _Reason:
    names = frozenset(one.name for one in possible.issuers)
    return _Reason(f"issuers.yaml has {_listed(names)}", names)


def _tags(possible: PossibleRequests) -> _Reason:
    names = frozenset(tag for one in possible.issuers for tag in one.tags)
    return _Reason(f"issuers.yaml makes the tags {_listed(names)} of claims", names)


def _accounts(possible: PossibleRequests) -> _Reason:
    accounts = frozenset(one.account for one in possible.roles)
    return _Reason(f"the catalog has roles of {_listed(accounts)}", accounts)


# By what is compared.
_REASONS: Final[Mapping[str, Callable[[PossibleRequests], _Reason]]] = {
    "principal.issuer": _issuers,
    "principal.hasTag": _tags,
    "resource.account": _accounts,
    "resource.arn": lambda possible: _Reason(
        "no role of the catalog has such an ARN", frozenset(one.arn for one in possible.roles)
    ),
    "context.time": lambda _: _Reason("that is past"),
}


def reason_for(comparison: object, possible: PossibleRequests) -> str:
    """Why it is never true, as the end of a sentence; empty where the configuration does not tell."""
    compared = _compared(comparison)
    if compared in CONTEXT:
        return f": {CONTEXT[compared].words}"
    if compared not in _REASONS:
        return ""
    reason = _REASONS[compared](possible)
    likes = (nearest(text, reason.known) for text in _texts(comparison))
    return f": {reason.words}{did_you_mean(next(filter(None, likes), None))}"


def _texts(comparison: object) -> list[str]:
    """The texts that it compares with, which are none of those that there are."""
    if not isinstance(comparison, dict):
        return []
    found: list[object] = []
    for operands in comparison.values():
        if isinstance(operands, dict):
            for operand in operands.values():
                found += [constant(operand), *(constants(operand) or ())]
    return [one for one in found if isinstance(one, str)]


def _compared(comparison: object) -> str:
    """What of it is not written out."""
    match comparison:
        case {"hasTag": {"left": left}}:
            return f"{text_of(left)}.hasTag"
        case {"contains": {"left": {"Set": _}, "right": right}}:
            return text_of(right)
        case {"like": {"left": left}}:
            return text_of(left)
        case dict():
            match list(comparison.values()):
                case [{"left": left, "right": right}]:
                    return text_of(left if constant(left) is None else right)
    return ""


def _listed(names: Iterable[str]) -> str:
    several = sorted(set(names))
    more = f" and {len(several) - _MOST_NAMES} others" if len(several) > _MOST_NAMES else ""
    return ", ".join(several[:_MOST_NAMES]) + more if several else "none"
