"""Why is a comparison never true? In words, for those whose reason is in the configuration."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from chalicelib.configuration.policy_constants import constant
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import CONTEXT, PossibleRequests

_MOST_NAMES: Final = 10
# By what is compared.
_REASONS: Final[Mapping[str, Callable[[PossibleRequests], str]]] = {
    "principal.issuer": lambda possible: f"issuers.yaml has {_listed(one.name for one in possible.issuers)}",
    "principal.hasTag": lambda possible: (
        f"issuers.yaml makes the tags {_listed(tag for one in possible.issuers for tag in one.tags)} of claims"
    ),
    "resource.account": lambda possible: f"the catalog has roles of {_listed(one.account for one in possible.roles)}",
    "resource.arn": lambda _: "no role of the catalog has such an ARN",
    "context.time": lambda _: "that is past",
}


def reason_for(comparison: object, possible: PossibleRequests) -> str:
    """Why it is never true, as the end of a sentence; empty where the configuration does not tell."""
    compared = _compared(comparison)
    if compared in CONTEXT:
        return f": {CONTEXT[compared].words}"
    return f": {_REASONS[compared](possible)}" if compared in _REASONS else ""


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
