"""Numbers that are left out, one by one or in spans, leave nothing only where they leave nothing."""

from re import compile as pattern

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.configuration.value_sets import Span, Values

BOUNDS = st.one_of(st.none(), st.integers(0, 9))
SPANS = st.tuples(BOUNDS, BOUNDS)


@given(
    wanted=st.lists(SPANS, max_size=2),
    others=st.lists(SPANS, max_size=3),
    never=st.frozensets(st.integers(0, 9), max_size=4),
    only=st.one_of(st.none(), st.frozensets(st.integers(-1, 10), max_size=4)),
)
def test_what_is_empty_has_no_number(
    wanted: list[Span], others: list[Span], never: frozenset[int], only: frozenset[int] | None
) -> None:
    values, spans = Values().among(never, wanted=False), Values()
    for span in wanted:
        values = values.inside(span, wanted=True)
    for span in others:
        spans = spans.inside(span, wanted=False)
    values = values.within(spans)
    if only is not None:
        values = values.among(only, wanted=True)
    left = [
        number
        for number in range(-2, 12)
        if all(_is_in(number, span) for span in wanted)
        and not any(_is_in(number, span) for span in others)
        and number not in never
        and (only is None or number in only)
    ]
    assert values.is_empty is (not left)


def test_texts_that_contradict_each_other_are_none() -> None:
    begins, ends = pattern("a.*"), pattern(".*b")
    assert not Values().like(begins, wanted=True).like(ends, wanted=True).is_empty
    assert not Values().like(begins, wanted=True).like(ends, wanted=False).is_empty
    assert Values().like(begins, wanted=True).like(pattern("b.*"), wanted=True).is_empty
    assert Values().like(pattern("ab.*"), wanted=True).like(begins, wanted=False).is_empty
    assert Values().like(pattern(".*"), wanted=False).is_empty


def _is_in(number: int, span: Span) -> bool:
    low, high = span
    return (low is None or low <= number) and (high is None or number <= high)
