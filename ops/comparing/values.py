"""Values worth asking with: those that policies compare with, and their neighbours."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from chalicelib.configuration.policy_addresses import network_of
from chalicelib.configuration.policy_arithmetic import Origin
from chalicelib.configuration.policy_constants import constant, constants, entities
from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.configuration.policy_text import entity_text, text_of
from chalicelib.configuration.possible_requests import CONTEXT
from chalicelib.configuration.value_sets import Constant, Values
from chalicelib.text.local_time import WEEKDAYS

# Stands for what a wildcard leaves open.
_ANYTHING: Final = "x"
# What the service tells of moments are whole seconds.
_STEPS: Final = {"context.time": 1000, "context.local.time": 1000}
_COMPARED: Final = ("==", "!=", "<", "<=", ">", ">=")

Candidates = Mapping[str, tuple[Constant, ...]]
"""By the text of an expression, values that it may be asked with; flags are 0 and 1."""


def candidates(conditions: Iterable[object]) -> Candidates:
    """What expressions in policies are compared with, and what lies beside it, in the order of the policies."""
    found: dict[str, dict[Constant, None]] = {}
    for condition in conditions:
        for node in comparisons_in(condition):
            for expression, value in _of(node):
                if _is_possible(expression, value):
                    found.setdefault(expression, {})[value] = None
    return {expression: tuple(values) for expression, values in found.items()}


def fits(values: Values, value: Constant) -> bool:
    """Whether a value is among some."""
    return not values.among([value], wanted=True).is_empty


def choose(values: Values, wanted: Iterable[Constant]) -> Constant | None:
    """One of some values: of those that are wanted, if one of them is among them; None: none was found."""
    for value in wanted:
        if fits(values, value):
            return value
    if values.only is not None:
        return next((value for value in sorted(values.only, key=str) if fits(values, value)), None)
    return next((bound for bound in (values.low, values.high) if bound is not None and fits(values, bound)), None)


def _is_possible(expression: str, value: Constant) -> bool:
    range_ = CONTEXT.get(expression)
    return range_ is None or fits(range_.values, value)


def _of(node: object) -> Iterator[tuple[str, Constant]]:
    match node:
        case {"isInRange": [one, {"ip": [{"Value": str(written)}]}]}:
            network = network_of(written)
            if network is not None:
                low, high = network.span
                yield from ((text_of(one), address) for address in (low, high, low - 1, high + 1) if address >= 0)
        case {"like": {"left": left, "pattern": list(parts)}}:
            for filled in (_ANYTHING, ""):
                yield text_of(left), "".join(one["Literal"] if isinstance(one, dict) else filled for one in parts)
        case {"contains": {"left": {"Set": _} as several, "right": one}}:
            yield from ((text_of(one), value) for value in constants(several) or ())
        case {"contains": _} | {"hasTag": _} | {"has": _}:
            yield from ((text_of(node), value) for value in (1, 0))
        case {"in": {"left": {"Var": "principal"}, "right": right}}:
            for kind, identifier in entities(right) or ():
                if kind == "OidcGroup":
                    yield from ((f"principal in {entity_text(kind, identifier)}", value) for value in (1, 0))
        case {".": {"left": {"Var": "context"}, "attr": "narrowed" | "has_reason"}}:
            yield from ((text_of(node), value) for value in (1, 0))
        case {**compared} if len(compared) == 1 and (name := next(iter(compared))) in _COMPARED:
            yield from _compared(compared[name])


def _compared(operands: object) -> Iterator[tuple[str, Constant]]:
    assert isinstance(operands, dict)  # noqa: S101 Cedar makes it so
    for one, other in ((operands["left"], operands["right"]), (operands["right"], operands["left"])):
        value = constant(other)
        if value is None or constant(one) is not None:
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            origin = Origin(one, constant)
            expression = text_of(origin.expression)
            low, high = origin.origins((value, value))
            bounds = [bound for bound in (low, high) if bound is not None]
            step = _STEPS.get(expression.removesuffix(".toTime()"), 1)
            yield from ((expression, bound + by) for bound in bounds for by in (0, -step, step))
        else:
            yield text_of(one), value
            if text_of(one) == "context.local.weekday":
                yield from ((text_of(one), entity_text("Weekday", day)) for day in WEEKDAYS)
