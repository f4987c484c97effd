"""Why is a comparison never true? In words, for those whose reason is in the configuration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from chalicelib.configuration.policy_addresses import network_of
from chalicelib.configuration.policy_arithmetic import Origin
from chalicelib.configuration.policy_conditions import Case, Never
from chalicelib.configuration.policy_constants import constant, overflows
from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import ADDRESS, PossibleRequests, range_of
from chalicelib.text.likeness import did_you_mean, nearest

_MOST_NAMES: Final = 10
_MULTICAST: Final = "no request comes from a multicast address"
_FORMS: Final[Mapping[str, str]] = {
    "principal.account": "an account is 12 digits",
    "principal.name": "names hold letters, digits and `_+=,.@-` alone",
    "principal.path": "a path begins and ends with `/`",
    "principal.session_name": "names of sessions hold letters, digits and `_+=,.@-` alone",
    "principal.principal_id": (
        "a session of a role has AROA...:SESSION_NAME, an IAM user AIDA..., a federated user ACCOUNT:NAME"
    ),
}


class _About(NamedTuple):
    """What reasons are made of.

    Attributes:
        named: the texts that are compared with.
        cases: the requests that it is about.
    """

    named: list[str]
    cases: list[Case]
    possible: PossibleRequests


def _issuers(about: _About) -> str:
    names = [one.name for one in about.possible.issuers]
    return f"issuers.yaml has {_listed(names)}{_meant(about.named, names)}"


def _claims(about: _About) -> str:
    issuers = {shape.fixed["issuer"] for case in about.cases for shape in case.shapes if "issuer" in shape.fixed}
    if not issuers:
        kinds = {shape.kind for case in about.cases for shape in case.shapes}
        return f"no {' and no '.join(sorted(kinds))} has tags"
    tags = [tag for one in about.possible.issuers if one.name in issuers for tag in one.tags]
    return f"issuers.yaml makes the tags {_listed(tags)} of claims{_meant(about.named, tags)}"


def _accounts(about: _About) -> str:
    accounts = [one.account for one in about.possible.roles]
    return f"the catalog has roles of {_listed(accounts)}{_meant(about.named, accounts)}"


def _account_names(about: _About) -> str:
    names = [one.account_name for one in about.possible.roles if one.account_name]
    if not names:
        return "there is no accounts.yaml, which gives accounts their names"
    return f"the catalog has roles in {_listed(names)}{_meant(about.named, names)}"


def _asked(asked: str, key: str) -> Callable[[_About], str]:
    def reason(about: _About) -> str:
        roles = frozenset[int]().union(*(case.roles for case in about.cases))
        names = [name for name, places in about.possible.asked_names[asked].items() if not places.isdisjoint(roles)]
        if not names:
            return f"no role that it is about has `{key}`"
        return f"the roles that it is about have as `{key}` {_listed(names)}{_meant(about.named, names)}"

    return reason


# By what is compared.
_REASONS: Final[Mapping[str, Callable[[_About], str]]] = {
    "principal.issuer": _issuers,
    "principal.hasTag": _claims,
    "context.tags.hasTag": _asked("context.tags", "caller_tags"),
    "context.params.hasTag": _asked("context.params", "params"),
    "resource.account": _accounts,
    "resource.account_name": _account_names,
    "resource.arn": lambda about: (
        f"no role of the catalog has such an ARN{_meant(about.named, [one.arn for one in about.possible.roles])}"
    ),
}
_PAST: Final = frozenset({"context.time", "context.local.date"})


def reason_for(never: Never, possible: PossibleRequests, is_certain: bool = True) -> str:
    """Why it is never true, as the end of a sentence; empty where the configuration does not tell.

    Args:
        is_certain: it was never true, and can never be.
    """
    words = _reason(never, possible, is_certain)
    return f": {words}" if words else ""


def form_of(comparison: object) -> str:
    """How that is written which is compared, as the end of a sentence, where that differs between kinds of callers."""
    compared = _compared(comparison)
    return f": {_FORMS[compared]}" if compared == "principal.principal_id" else ""


def _reason(never: Never, possible: PossibleRequests, is_certain: bool) -> str:
    if any(map(overflows, _operands(never.comparison))):
        return "that is no number of 64 bits, and a policy that comes to it fails"
    compared = _compared(never.comparison)
    if compared in _PAST and not is_certain:
        return "that is past"
    if compared == ADDRESS:
        return _of_addresses(never.comparison)
    if compared in _REASONS:
        return _REASONS[compared](_About(list(_texts(never.comparison)), never.cases, possible))
    if compared in _FORMS:
        return _FORMS[compared]
    if compared.startswith("context.params.getTag("):
        return "no role that it is about takes such a value: look at its `pattern`"
    range_ = range_of(compared)
    return "" if range_ is None else range_.words


def _of_addresses(comparison: object) -> str:
    match comparison:
        case {"isMulticast": _}:
            return _MULTICAST
    for written in _texts(comparison):
        network = network_of(written)
        if network is not None and network.is_range:
            meant = f'{ADDRESS}.isInRange(ip("{network.meant or written}"))'
            return f"an address is never the same as a range: write `{meant}`"
    return ""


def _operands(comparison: object) -> list[object]:
    match comparison:
        case dict():
            match list(comparison.values()):
                case [{"left": left, "right": right}]:
                    return [left, right]
                case [{"left": left}] | [[left]]:
                    return [left]
                case [[left, right]]:
                    return [left, right]
    return []


def _compared(comparison: object) -> str:
    """What of it is not written out, without the arithmetic around it."""
    match comparison:
        case {"hasTag": {"left": left}}:
            return f"{text_of(left)}.hasTag"
    for operand in _operands(comparison):
        members = operand["Set"] if isinstance(operand, dict) and "Set" in operand else [operand]
        for one in members:
            if constant(one) is None:
                return text_of(Origin(one, constant).expression)
    return ""


def _texts(node: object) -> Iterator[str]:
    """The texts that are written out in an expression."""
    for one in comparisons_in(node):
        match one:
            case {"Value": str(text)}:
                yield text


def _meant(named: Iterable[str], names: Iterable[str]) -> str:
    """The name that is likely meant."""
    known = list(names)
    return did_you_mean(next(filter(None, (nearest(text, known) for text in named)), None))


def _listed(names: Iterable[str]) -> str:
    several = sorted(set(names))
    more = f" and {len(several) - _MOST_NAMES} others" if len(several) > _MOST_NAMES else ""
    return ", ".join(several[:_MOST_NAMES]) + more if several else "none"
