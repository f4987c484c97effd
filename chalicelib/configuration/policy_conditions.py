"""Can a policy ever apply? Its conditions are followed through all that can be asked (possible_requests.py).

A `Case` describes requests: which callers and roles they can be about, and what other values can be. Each condition
leaves less of it. Where nothing is left, there is no such request. That is certain: a condition that is not understood
leaves everything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from chalicelib.callers.shape import Shape
from chalicelib.configuration.caller_shapes import Told, may_be, may_have, told_by_value, told_of
from chalicelib.configuration.policy_addresses import SPANS_OF_METHODS, network_of
from chalicelib.configuration.policy_arithmetic import Origin, operation_of
from chalicelib.configuration.policy_constants import (
    Entity,
    constant,
    constants,
    entities,
    exactly,
    overflows,
    pattern,
)
from chalicelib.configuration.policy_parts import Part
from chalicelib.configuration.policy_rewriting import any_of, rewritten, without_choice
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import (
    ACTION,
    ADDRESS,
    CONTEXT,
    TIME_OF_DAY,
    PossibleRequests,
    Roles,
    implied_by,
)
from chalicelib.configuration.value_sets import Known, Span, Values

# With more cases, a condition is taken for one that is not understood.
_MOST_CASES: Final = 64
# So many values of roles are compared with a pattern; with more, it is taken for one that fits.
_MOST_COMPARED: Final = 1000
_ANY: Final = Values()
_TRUE: Final = Values(only=frozenset({True}))
_FALSE: Final = Values(only=frozenset({False}))
_NOTHING: Final[Known] = MappingProxyType({})
_DURATION: Final = "context.duration"


class Case(NamedTuple):
    """Some requests.

    Attributes:
        shapes: of their callers.
        values: of expressions, by their text; those that are not in it may be anything.
    """

    shapes: tuple[Shape, ...]
    roles: Roles
    values: Known


class Given(NamedTuple):
    """An expression that is to be true, or is not."""

    expression: object
    wanted: bool


class Never(NamedTuple):
    """A comparison that is never true.

    Attributes:
        cases: the requests that it could be asked for, none of which it is true of.
        written: how the policy has it: `!=`, which is always true then, or the comparison itself.
        given: what those requests were asked before, outermost first.
    """

    comparison: object
    cases: list[Case]
    written: object
    given: tuple[Given, ...]


class Conditions:
    """Follows the conditions of policies."""

    def __init__(self, possible: PossibleRequests, maxima: bool = False, also: Known = _NOTHING) -> None:
        """Follow them through what is possible.

        Args:
            maxima: have no session last shorter or longer than the roles let it that it can be of. A request for less
                or more is refused, but only after the policies were asked.
            also: what is known besides.
        """
        self._possible = possible
        self._maxima = maxima
        self.everything = Case(
            possible.shapes,
            possible.every_role,
            {name: range_.values for name, range_ in CONTEXT.items()},
        )
        for name, values in also.items():
            (self.everything,) = self._narrowed(name, values, self.everything)

    def requests(self, parts: Iterable[Part]) -> list[Case]:
        """The requests for which each of the parts is as it is wanted."""
        cases = [self.everything]
        for part in parts:
            cases = self.where(part.expression, part.wanted, cases)
        return cases

    def where(self, node: object, wanted: bool, cases: list[Case]) -> list[Case]:
        """What is left of some requests, if an expression is to be true of them, or is not to be."""
        left = [found for case in cases for found in self._assume(node, wanted, case)]
        return left if len(left) <= _MOST_CASES else cases

    def never_true(self, node: object, cases: list[Case], given: tuple[Given, ...] = ()) -> Iterator[Never]:
        """The comparisons in an expression that are true of none of some requests, where it comes to them.

        Args:
            given: what has led to those requests.
        """
        match node:
            case {"&&": {"left": left, "right": right}}:
                yield from self.never_true(left, cases, given)
                yield from self.never_true(right, self.where(left, True, cases), (*given, Given(left, wanted=True)))
            case {"||": {"left": left, "right": right}}:
                yield from self.never_true(left, cases, given)
                yield from self.never_true(right, self.where(left, False, cases), (*given, Given(left, wanted=False)))
            case {"!": {"arg": argument}}:
                found = list(self.never_true(argument, cases, given))
                yield from found
                if cases and not found and not self.where(node, True, cases):
                    yield Never(node, cases, node, given)
            case {"if-then-else": {"if": condition, "then": then, "else": otherwise}}:
                yield from self.never_true(condition, cases, given)
                for one, wanted in ((then, True), (otherwise, False)):
                    yield from self.never_true(
                        one, self.where(condition, wanted, cases), (*given, Given(condition, wanted))
                    )
            case {"!=": operands}:
                for never in self.never_true({"==": operands}, cases, given):
                    yield never._replace(written=node)
            case _ if cases and not self.where(node, True, cases):
                yield Never(node, cases, node, given)

    def _assume(self, node: object, wanted: bool, case: Case) -> list[Case]:
        match node:
            case {"Value": bool(value)}:
                return [case] if value is wanted else []
            case {"!": {"arg": argument}}:
                return self._assume(argument, not wanted, case)
            case {"&&": {"left": left, "right": right}}:
                return self._both(left, right, case) if wanted else self._either(left, right, wanted, case)
            case {"||": {"left": left, "right": right}}:
                return self._either(left, right, wanted, case) if wanted else self._neither(left, right, case)
            case {"if-then-else": {"if": condition, "then": then, "else": otherwise}}:
                yes = self.where(then, wanted, self._assume(condition, True, case))
                return yes + self.where(otherwise, wanted, self._assume(condition, False, case))
        return self._compare(node, wanted, case)

    def _both(self, left: object, right: object, case: Case) -> list[Case]:
        return self.where(right, True, self._assume(left, True, case))

    def _neither(self, left: object, right: object, case: Case) -> list[Case]:
        return self.where(right, False, self._assume(left, False, case))

    def _either(self, left: object, right: object, wanted: bool, case: Case) -> list[Case]:
        """Where one of them at least is as it is wanted."""
        found = [*self._assume(left, wanted, case), *self._assume(right, wanted, case)]
        return [case] if any(one is case for one in found) else found

    def _compare(self, node: object, wanted: bool, case: Case) -> list[Case]:
        """One comparison; the rest of what is a truth value is one that may be either."""
        simpler = without_choice(node)
        if simpler is not None:
            return self._assume(simpler, wanted, case)
        match node:
            case {"!=": operands}:
                return self._assume({"==": operands}, not wanted, case)
            case {"==": {"left": left, "right": right}}:
                return self._equal(left, right, wanted, case)
            case {"<": {"left": left, "right": right}} | {">": {"left": right, "right": left}}:
                return self._less(left, right, wanted, case)
            case {"<=": {"left": left, "right": right}} | {">=": {"left": right, "right": left}}:
                return self._less(right, left, not wanted, case)
            case {"contains": {"left": {"Set": _} as several, "right": one}}:
                return self._contains(several, one, wanted, case)
            case {"like": {"left": left, "pattern": written}}:
                return self._like(left, written, wanted, case)
            case {"in": {"left": {"Var": str(variable)}, "right": right}} if (named := entities(right)) is not None:
                return self._about(variable, named, wanted, case, within=True)
            case {"in": {"left": left, "right": right}} if _in_nothing(right):
                return self._assume(any_of({"==": {"left": left, "right": one}} for one in _set(right)), wanted, case)
            case {"is": {"left": variable, "in": inside, **more}}:
                inner = {"in": {"left": variable, "right": inside}}
                both = {"&&": {"left": {"is": {"left": variable, **more}}, "right": inner}}
                return self._assume(both, wanted, case)
            case {"is": {"left": {"Var": "principal"}, "entity_type": kind}}:
                return _of_shapes(case, lambda shape: (shape.kind == kind) is wanted)
            case {"is": {"left": {"Var": "resource"}, "entity_type": kind}}:
                return [case] if (kind == "Role") is wanted else []
            case {"has": {"left": {"Var": "principal"}, "attr": str(name)}}:
                return _of_shapes(case, lambda shape: (name in shape.attributes) is wanted)
            case {"hasTag": {"left": {"Var": "principal"}, "right": {"Value": str(tag)}}}:
                # A caller may lack any tag, but has none that its shape has not.
                case_left = _of_shapes(case, lambda shape: not wanted or may_have(shape, tag))
                return [found for one in case_left for found in self._flag(node, wanted, one)]
            case {"hasTag": {"left": asked, "right": {"Value": str(tag)}}} if self._maxima and wanted:
                # Policies see what callers ask for, and only then a role refuses what it does not take.
                roles = self._possible.roles_taking(text_of(asked), tag)
                return [found for one in self._of_roles(roles, True, case) for found in self._flag(node, wanted, one)]
        in_spans = self._address(node, wanted, case)
        if in_spans is not None:
            return in_spans
        simpler = rewritten(node)
        return self._flag(node, wanted, case) if simpler is None else self._assume(simpler, wanted, case)

    def _flag(self, node: object, wanted: bool, case: Case) -> list[Case]:
        return self._narrowed(text_of(node), _TRUE if wanted else _FALSE, case)

    def _equal(self, left: object, right: object, wanted: bool, case: Case) -> list[Case]:
        if constant(left) is not None or entities(left) is not None:
            left, right = right, left
        match left, entities(right):
            case {"Var": str(variable)}, [one]:
                return self._about(variable, [one], wanted, case, within=False)
        value, same = constant(right), constant(left)
        if overflows(left) or overflows(right):
            return []
        if value is None:
            return self._same(left, right, wanted, case)
        if same is not None:
            return [case] if (value == same) is wanted else []
        if isinstance(value, bool):
            return self._assume(left, wanted is value, case)
        if isinstance(value, int) and (origin := Origin(left, constant)).is_computed:
            return self._in_span(origin, (value, value), wanted, case)
        return self._narrowed(text_of(left), _ANY.among([value], wanted), case)

    def _same(self, left: object, right: object, wanted: bool, case: Case) -> list[Case]:
        """Where two expressions that may be anything are the same."""
        if text_of(left) == text_of(right):
            return [case] if wanted else []
        both = {"==": {"left": left, "right": right}}
        simpler = rewritten(both)
        if simpler is not None:
            return self._assume(simpler, wanted, case)
        first, second = sorted([left, right], key=text_of)
        return self._flag({"==": {"left": first, "right": second}}, wanted, case)

    def _contains(self, several: object, one: object, wanted: bool, case: Case) -> list[Case]:
        named, values = entities(several), constants(several)
        match one:
            case {"Var": str(variable)} if named is not None:
                return self._about(variable, named, wanted, case, within=False)
        if values is not None and constant(one) is not None:
            return [case] if (constant(one) in values) is wanted else []
        if values is None or operation_of(one) is not None:
            return self._assume(rewritten({"contains": {"left": several, "right": one}}), wanted, case)
        return self._narrowed(text_of(one), _ANY.among(values, wanted), case)

    def _like(self, left: object, written: object, wanted: bool, case: Case) -> list[Case]:
        exact = exactly(written)
        if exact is not None:  # no wildcard in it
            return self._equal(left, {"Value": exact}, wanted, case)
        value = constant(left)
        if isinstance(value, str):
            return [case] if (pattern(written).fullmatch(value) is not None) is wanted else []
        return self._narrowed(text_of(left), _ANY.like(pattern(written), wanted), case)

    def _less(self, left: object, right: object, wanted: bool, case: Case) -> list[Case]:
        """Where the left one is less than the right one; or is not, if that is not wanted."""
        if overflows(left) or overflows(right):
            return []
        low, high = constant(left), constant(right)
        match low, high:
            case int(), int():
                return [case] if (low < high) is wanted else []
            case None, int():
                return self._in_span(Origin(left, constant), (None, high - 1), wanted, case)
            case int(), None:
                return self._in_span(Origin(right, constant), (low + 1, None), wanted, case)
        if text_of(left) == text_of(right):
            return [] if wanted else [case]
        return self._flag({"<": {"left": left, "right": right}}, wanted, case)

    def _in_span(self, origin: Origin, span: Span, wanted: bool, case: Case) -> list[Case]:
        """Where a number is in a span. Where computing it overflows, the policy fails, and is neither."""
        values = _ANY.inside(origin.origins(span), wanted)
        for computable in origin.computable():
            values = values.inside(computable, wanted=True)
        return self._narrowed(text_of(origin.expression), values, case)

    def _address(self, node: object, wanted: bool, case: Case) -> list[Case] | None:
        """Where an address is as a method asks; None: that is no method of addresses, or of what may be a range."""
        spans: tuple[tuple[int, int], ...]
        match node:
            case {"isInRange": [one, {"ip": [{"Value": str(written)}]}]}:
                network = network_of(written)
                spans = () if network is None else (network.span,)
            case {"isInRange": [{"ip": [{"Value": str(_)}]} as one, other]}:
                # A range is in no address, and one address is in another if they are the same.
                return self._equal(other, one, wanted, case) if _is_address(other) else None
            case dict() if len(node) == 1 and (method := next(iter(node))) in SPANS_OF_METHODS:
                spans = SPANS_OF_METHODS[method]
                (one,) = node[method]
            case _:
                return None
        if not spans or not _is_address(one):
            return None
        if wanted:
            return [left for span in spans for left in self._narrowed(text_of(one), _ANY.inside(span, True), case)]
        return self._narrowed(text_of(one), _ANY._replace(gaps=spans), case)

    def _about(self, variable: str, named: list[Entity], wanted: bool, case: Case, within: bool) -> list[Case]:
        """Where principal, action or resource is one of some entities, or (`within`) in one of them."""
        if variable == "resource":
            inside = [self._possible.roles_within.get(one, frozenset()) for one in named if within or one[0] == "Role"]
            return self._of_roles(frozenset().union(*inside), wanted, case)
        if variable == "principal":
            return self._among(named, case, within) if wanted else self._beside(named, case, within)
        if variable == "action" and (ACTION in named or not within):
            return [case] if (ACTION in named) is wanted else []
        return [case]

    def _among(self, named: list[Entity], case: Case, within: bool) -> list[Case]:
        found: list[Case] = []
        for one in named:
            for told, those in _told_by(one, case, within):
                if told is not None:
                    found += self._narrowed(told.expression, _ANY.among([told.value], wanted=True), those, told.more)
        return found

    def _beside(self, named: list[Entity], case: Case, within: bool) -> list[Case]:
        cases = [case]
        for one in named:
            cases = [
                left
                for case in cases
                for told, those in _told_by(one, case, within)
                for left in (
                    [those]
                    if told is None
                    else self._narrowed(told.expression, _ANY.among([told.value], wanted=False), those)
                )
            ]
        return cases

    def _of_roles(self, places: Roles, wanted: bool, case: Case) -> list[Case]:
        left = case.roles & places if wanted else case.roles - places
        return [case] if len(left) == len(case.roles) else self._kept(case._replace(roles=left))

    def _narrowed(
        self, expression: str, change: Values, case: Case, more: Mapping[str, str] = MappingProxyType({})
    ) -> list[Case]:
        """Where the value of an expression is one of some; and those of attributes of the caller, as `more` says."""
        known = case.values.get(expression)
        values = (self._unasked(expression) if known is None else known).within(change)
        if values.is_empty:
            return []
        of, _, name = expression.partition(".")
        if of == "principal" and name.isidentifier():
            shapes = tuple(shape for shape in case.shapes if may_be(shape, name, values))
            case = case._replace(shapes=shapes)
            if len(shapes) == 1:
                more = {**more, **told_by_value(shapes[0], name, values)}
        elif of == "resource" and name in self._possible.roles_by_attribute:
            case = case._replace(roles=case.roles & self._roles_with(name, values))
        elif self._maxima and of == "context":
            case = case._replace(roles=case.roles & self._possible.roles_letting(expression, values))
        cases = self._kept(case._replace(values={**case.values, expression: values}))
        for attribute, value in more.items():
            wanted = _ANY.among([value], wanted=True)
            cases = [left for one in cases for left in self._narrowed(f"principal.{attribute}", wanted, one)]
        for implied, implied_values in implied_by(expression, values, self._maxima):
            cases = [left for one in cases for left in self._implied(implied, implied_values, one)]
        return cases

    def _implied(self, expression: str, values: Values, case: Case) -> list[Case]:
        """Where an expression has values that follow from others; those are not followed any further."""
        known = case.values.get(expression, _ANY)
        both = known.within(values)
        if both.is_empty:
            return []
        return [case] if both == known else [case._replace(values={**case.values, expression: both})]

    def _unasked(self, expression: str) -> Values:
        """What an expression can be, of which nothing is known yet."""
        return TIME_OF_DAY if expression.endswith(".toTime()") else _ANY

    def _roles_with(self, name: str, values: Values) -> Roles:
        by_value = self._possible.roles_by_attribute[name]
        if values.only is not None:
            return frozenset().union(*(by_value.get(str(value), frozenset()) for value in values.only))
        if len(by_value) > _MOST_COMPARED:
            return self._possible.every_role
        return frozenset().union(
            *(places for value, places in by_value.items() if not values.among([value], wanted=True).is_empty)
        )

    def _kept(self, case: Case) -> list[Case]:
        """The case, if there can be a request that it is of."""
        if not case.shapes or not case.roles:
            return []
        if self._maxima:
            lengths = self._possible.lengths(case.roles)
            if case.values.get(_DURATION, _ANY).inside(lengths, wanted=True).is_empty:
                return []
        return [case]


def _told_by(one: Entity, case: Case, within: bool) -> list[tuple[Told | None, Case]]:
    """For each part of the callers what tells whether they are that entity, or (`within`) in it; None: they are not."""
    found: list[tuple[Told | None, list[Shape]]] = []
    for shape in case.shapes:
        told = told_of(shape, one, within)
        same = [shapes for other, shapes in found if other == told]
        if same:
            same[0].append(shape)
        else:
            found.append((told, [shape]))
    if len(found) == 1:
        return [(found[0][0], case)]
    return [(told, case._replace(shapes=tuple(shapes))) for told, shapes in found]


def _of_shapes(case: Case, holds: Callable[[Shape], bool]) -> list[Case]:
    shapes = tuple(shape for shape in case.shapes if holds(shape))
    if len(shapes) == len(case.shapes):
        return [case]
    return [case._replace(shapes=shapes)] if shapes else []


def _in_nothing(right: object) -> bool:
    """Whether it names entities that nothing is in but they themselves."""
    return all(kind in ("Weekday", "Format") for kind, _ in entities(right) or [("", "")])


def _set(node: object) -> list[object]:
    """The members of a set, or the only one."""
    match node:
        case {"Set": list(members)}:
            return members
    return [node]


def _is_address(node: object) -> bool:
    """Whether it is one address, and no range."""
    return text_of(node) == ADDRESS
