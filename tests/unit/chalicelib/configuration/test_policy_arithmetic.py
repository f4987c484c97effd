"""From which numbers a result comes: Cedar's own arithmetic is asked."""

import json
from collections.abc import Callable

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.configuration.policy_arithmetic import DAY_MILLISECONDS, Origin
from chalicelib.configuration.policy_constants import constant, overflows
from chalicelib.configuration.value_sets import Values

DAY = DAY_MILLISECONDS
LARGEST = (1 << 63) - 1
NUMBERS = st.one_of(st.integers(-4, 4), st.sampled_from([LARGEST, -LARGEST - 1, DAY, LARGEST // 2]))
STEPS = st.one_of(
    st.tuples(st.sampled_from(["({} + {})", "({} - {})", "({} * {})"]), NUMBERS).map(
        lambda two: lambda inner: two[0].format(inner, two[1])
    ),
    NUMBERS.map(lambda number: lambda inner: f"({number} - {inner})"),
    NUMBERS.map(lambda number: lambda inner: f"({number} * {inner})"),
    st.just(lambda inner: f"-({inner})"),
)
UNITS = st.sampled_from(["toDays", "toHours", "toMinutes", "toSeconds", "toMilliseconds"])
INNER = st.sampled_from(
    ["context.n", "context.d.{}()", 'context.t.toDate().durationSince(datetime("1970-01-01")).{}()']
)
ORDERS = st.sampled_from(["==", "<", ">", "<=", ">="])


def condition(text: str) -> object:
    policy = f"permit (principal, action, resource) when {{ {text} }};"
    (est,) = json.loads(cedarpy.policies_to_json_str(policy))["staticPolicies"].values()
    return est["conditions"][0]["body"]


def is_true(text: str, number: int) -> bool | None:
    """What Cedar says with that number; None: it fails."""
    context = {
        "n": number,
        "d": {"__extn": {"fn": "duration", "arg": f"{number}ms"}},
        "t": {
            "__extn": {
                "fn": "offset",
                "args": [
                    {"__extn": {"fn": "datetime", "arg": "1970-01-01"}},
                    {"__extn": {"fn": "duration", "arg": f"{number}ms"}},
                ],
            }
        },
    }
    request = {"principal": 'A::"a"', "action": 'A::"a"', "resource": 'A::"a"', "context": context}
    result = cedarpy.is_authorized(request, f"permit (principal, action, resource) when {{ {text} }};", [])
    return None if result.diagnostics.errors else result.allowed


@settings(max_examples=1500, deadline=None)
@given(
    inner=INNER,
    unit=UNITS,
    steps=st.lists(STEPS, max_size=2),
    order=ORDERS,
    bound=st.integers(-2, 2),
    number=st.one_of(
        st.integers(-3, 3), st.builds(lambda days, more: days * DAY + more, st.integers(-2, 2), st.integers(-1, 1))
    ),
)
def test_a_number_is_among_the_origins_of_what_cedar_computes_of_it(
    inner: str, unit: str, steps: list[Callable[[str], str]], order: str, bound: int, number: int
) -> None:
    left = inner.format(unit)
    for step in steps:
        left = step(left)
    node = condition(f"{left} == 0")
    assert isinstance(node, dict)
    origin = Origin(node["=="]["left"], constant)
    low, high = {"==": (0, 0), "<": (None, -1), ">": (1, None), "<=": (None, 0), ">=": (0, None)}[order]
    span = (None if low is None else bound + low, None if high is None else bound + high)
    told = is_true(f"{left} {order} {bound}", number)
    fails = any(Values().among([number], True).inside(one, True).is_empty for one in origin.computable())
    assert told is not None or fails or overflows(node["=="]["left"])
    if told is not None:
        assert not fails
        assert Values().among([number], wanted=True).inside(origin.origins(span), wanted=told).is_empty is False
        assert Values().among([number], wanted=True).inside(origin.origins(span), wanted=not told).is_empty


@settings(deadline=None)
@given(numbers=st.tuples(NUMBERS, NUMBERS, NUMBERS), signs=st.tuples(*[st.sampled_from("+-*")] * 2))
def test_constants_are_what_cedar_computes(numbers: tuple[int, int, int], signs: tuple[str, str]) -> None:
    text = f"({numbers[0]}) {signs[0]} ({numbers[1]}) {signs[1]} (-({numbers[2]}))"
    node = condition(f"{text} == 0")
    assert isinstance(node, dict)
    value = constant(node["=="]["left"])
    if value is None:
        assert overflows(node["=="]["left"]) and is_true(f"{text} == 0", 0) is None
    else:
        assert is_true(f"{text} == {value}", 0) is True and not overflows(node["=="]["left"])
